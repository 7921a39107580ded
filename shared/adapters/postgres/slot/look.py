"""How a slot stands: whether it still tells everything that was written, and how much of the log it holds back.

A server drops or invalidates a slot by itself when its disk fills up, a fail-over may leave it behind, and anybody with
the right may read it on. Then nobody knows what was written, which is not "nothing". It is found by what we noted down
ourselves, in the transaction that stored the keys: a slot that is further than that was read by somebody else, or is
another one of the same name.
https://www.postgresql.org/docs/current/view-pg-replication-slots.html
"""

from dataclasses import dataclass
from typing import Any

from psycopg import Connection
from psycopg.rows import dict_row
from psycopg.sql import SQL, Literal

from shared.adapters.postgres.server.catalogue import OURS
from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.sql import ours

RECORDS = (
    ("slot", "name text PRIMARY KEY, system text NOT NULL, publication oid NOT NULL, drained_to pg_lsn"),
    (
        "slot_table",
        "slot text, oid oid, key text[] NOT NULL, log oid NOT NULL, entries oid[] NOT NULL,"
        " rollback_xid xid8 NOT NULL DEFAULT pg_current_xact_id(), PRIMARY KEY (slot, oid)",
    ),
)
# Columns that later versions have are looked for by name.
_SLOT = """
SELECT plugin IS DISTINCT FROM 'pgoutput' OR database <> current_database() AS foreign, active_pid, safe_wal_size,
       wal_status, coalesce(to_jsonb(s) ->> 'invalidation_reason', '') AS invalidated, confirmed_flush_lsn::text AS at,
       coalesce(pg_current_wal_insert_lsn() - restart_lsn, 0)::int8 AS kept,
       coalesce(pg_current_wal_insert_lsn() - confirmed_flush_lsn, 0)::int8 AS undrained
FROM pg_replication_slots s WHERE slot_name = %s
"""
_RECORD = """
SELECT r.system <> c.system_identifier::text AS moved, r.drained_to IS NULL AS unfinished,
       %s::pg_lsn > r.drained_to AS ahead, NOT coalesce(
         (SELECT p.pubinsert AND p.pubupdate AND p.pubdelete AND p.pubtruncate AND NOT p.pubviaroot
          FROM pg_publication p WHERE p.pubname = r.name AND p.oid = r.publication), false) AS unpublished
FROM {} AS r, pg_control_system() AS c WHERE r.name = %s
"""
_NO_RECORD = {"moved": False, "unfinished": True, "ahead": False, "unpublished": False}
_WHOLE = """
SELECT t.oid::int8,
       coalesce(to_regclass({log} || t.oid) = t.log, false)
       AND t.entries <@ array(SELECT e.oid FROM pg_publication_rel e WHERE e.prpubid = s.publication)
       AND pg_visible_in_snapshot(t.rollback_xid, coalesce(%s::pg_snapshot, pg_current_snapshot()))
FROM {tables} AS t JOIN {slots} AS s ON s.name = t.slot WHERE s.name = %s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotLook:
    """A slot now.

    Attributes:
        lost: Why nobody knows any more what was written since it was installed; `None` means that it is known.
        soon: Why that may be lost soon; `None` if nothing says so.
        kept_bytes: How much of the server's log it keeps from being removed.
        undrained_bytes: How much of it was not read yet.
    """

    lost: str | None
    soon: str | None = None
    kept_bytes: int = 0
    undrained_bytes: int = 0


def has_records(target: Connection[Rows]) -> bool:
    """Whether there is a place where slots are noted down."""
    row: Any = target.execute("SELECT to_regclass(%s) IS NOT NULL", [f"{OURS}.slot_table"]).fetchone()
    return bool(row[0])


def look_at_slot(target: Connection[Rows], name: str) -> SlotLook:
    """Look how a slot stands; not within a transaction whose snapshot is older.

    Raises:
        psycopg.Error: it could not be read.
    """
    # The slot first: who drains it notes down how far, and moves it on after that.
    with target.cursor(row_factory=dict_row) as cursor:
        slot = cursor.execute(_SLOT, [name]).fetchone()
        at = slot["at"] if slot else None
        noting = has_records(target)
        record = cursor.execute(SQL(_RECORD).format(ours("slot")), [at, name]).fetchone() if noting else None
    lost = _why_lost(name, slot, record or _NO_RECORD)
    if slot is None:
        return SlotLook(lost=lost)
    return SlotLook(lost=lost, soon=_why_soon(name, slot), kept_bytes=slot["kept"], undrained_bytes=slot["undrained"])


def slot_standing(target: Connection[Rows], name: str) -> str | None:
    """Say why nobody knows any more what was written since the slot was installed; `None` means that it is known."""
    return look_at_slot(target, name).lost


def slot_captured(target: Connection[Rows], name: str, snapshot: str | None = None) -> dict[int, bool]:
    """Return the tables of a slot, and whether it tells everything about them; none if it is lost.

    Args:
        snapshot: Of a checkpoint: tables that are carried only since later are not whole for it.
    """
    if slot_standing(target, name) is not None:
        return {}
    asked = SQL(_WHOLE).format(log=Literal(f"{OURS}.log_"), tables=ours("slot_table"), slots=ours("slot"))
    rows: list[Any] = target.execute(asked, [snapshot, name]).fetchall()
    return {oid: bool(whole) for oid, whole in rows}


def _why_lost(name: str, slot: dict[str, Any] | None, record: dict[str, Any]) -> str | None:
    if record["unfinished"]:
        return f"the slot {name} was not installed here"
    if slot is None:
        return f"the slot {name} is gone: somebody dropped it, the server did, or a fail-over left it behind"
    reasons = {
        f"the slot {name} was taken on another server": record["moved"],
        f"the slot {name} is somebody else's": slot["foreign"],
        f"the server took the slot {name} out of use: {slot['invalidated'].replace('_', ' ')}": slot["invalidated"],
        f"the server has removed what the slot {name} had not read yet": slot["wal_status"] == "lost",
        f"the slot {name} is further than we read it: somebody else did, or made it anew": record["ahead"],
        f"the publication {name} is gone, or was changed": record["unpublished"],
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def _why_soon(name: str, slot: dict[str, Any]) -> str | None:
    if slot["wal_status"] == "unreserved":
        return f"the server is about to remove what the slot {name} has not read yet: drain it now"
    safe = slot["safe_wal_size"]
    if safe is not None and safe < slot["kept"]:
        return f"the slot {name} is lost after {safe >> 20} MB more of the server's log: drain it more often"
    if slot["active_pid"] is not None:
        return f"the slot {name} is being read by process {slot['active_pid']}"
    return None
