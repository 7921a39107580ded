"""Whether the logs of a side say everything that was written since a checkpoint; if one does not, why.

Nothing here takes silence for "no changes": a trigger that is gone or off, a table that was made anew, a server that
was restored from a backup each make a log say less than what happened, and then all rows are compared.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from psycopg import Connection
from psycopg.sql import SQL, Literal

from shared.adapters.postgres.capture.partitions import regrouped
from shared.adapters.postgres.capture.reading import Logs, read_logs
from shared.adapters.postgres.capture.snapshot import Checkpoint, load_checkpoint
from shared.adapters.postgres.capture.triggers import stand, standing_of, switched_since, wanted
from shared.adapters.postgres.server.catalogue import OURS
from shared.adapters.postgres.server.session import Rows, at_once
from shared.adapters.postgres.server.sides import Sides
from shared.adapters.postgres.slot.drain import drain_all, end_of_log
from shared.adapters.postgres.slot.look import slot_captured, slot_standing
from shared.adapters.postgres.slot.publishing import slot_name
from shared.errors import PermanentError
from shared.model.policy_data import Capture

_SWITCHED = "its triggers were switched, or made anew, since the checkpoint"
_SYSTEM = "SELECT system_identifier::text FROM pg_control_system()"
_TABLES = SQL("""
SELECT w.name, w.oid::int8, c.oid IS NULL, to_regclass(format('%I.%I', {ours}::text, 'log_' || w.oid)) IS NULL
FROM unnest({names}::text[], {oids}::oid[]) AS w (name, oid)
LEFT JOIN (pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace)
  ON c.oid = w.oid AND s.nspname || '.' || c.relname = w.name
""")


def gaps(
    side: Connection[Rows],
    tables: Mapping[str, int],
    keyed: Collection[str],
    *,
    always: bool,
    besides: Collection[int] = (),
    since: str | None = None,
) -> dict[str, str]:
    """Return the tables whose log does not say everything, each with why.

    Args:
        tables: Their numbers when capture was installed.
        keyed: Those with a key; of others it is only noted that something was written.
        always: Writers in the replica role must be logged, too.
        besides: Partitions whose own triggers are not asked for.
        since: A snapshot since which no trigger may have been switched; of `None`, it is not asked.
    """
    these = wanted({oid: name in keyed for name, oid in tables.items()})
    triggers = standing_of(these, always=always, besides=besides)
    there = _TABLES.format(names=Literal(list(tables)), oids=Literal(list(tables.values())), ours=Literal(OURS))
    asked = [triggers, there, *([] if since is None else [switched_since(since, of_source=not always)])]
    rows: list[list[Any]] = [answer.fetchall() for answer in at_once(side, asked).results()]
    stands, off = stand(rows[0]), {oid for of_switched in rows[2:] for (oid,) in of_switched}
    found = {
        name: _why(made_anew=made_anew, no_log=no_log and name in keyed) or str(stands[oid]) or _SWITCHED * (oid in off)
        for name, oid, made_anew, no_log in rows[1]
    }
    return {name: why for name, why in found.items() if why}


def _why(*, made_anew: bool, no_log: bool) -> str:
    if made_anew:
        return "the table was made anew, renamed or dropped"
    return "its log is gone" if no_log else ""


def lost_as_a_whole(side: Connection[Rows], checkpoint_id: str) -> tuple[Checkpoint | None, str]:
    """Return a side's checkpoint, and why nothing of its logs counts; empty if they may."""
    found = load_checkpoint(side, checkpoint_id)
    row: Any = side.execute(_SYSTEM).fetchone()
    return found, _why_lost(found, checkpoint_id, row[0])


def _why_lost(found: Checkpoint | None, checkpoint_id: str, system: str) -> str:
    if found is None:
        return f"there is no checkpoint {checkpoint_id!r} on it any more"
    moved = "it is another server than the one that took the checkpoint: restored, or moved"
    return moved if system != found.system else ""


@dataclass(frozen=True, slots=True)
class SourceLog:
    """What the source's own logs know.

    Attributes:
        checkpoint: `None` if there is none, or it is another server's.
        snapshot: Since when.
        emptied: Tables of which they say that something was written, and not which rows; by their number there.
        unseen: Tables of which they do not know what was written, and why.
    """

    snapshot: str
    emptied: set[int]
    unseen: dict[str, str]
    checkpoint: Checkpoint | None = None


def source_log(sides: Sides, checkpoint_id: str, since: str = "") -> SourceLog:
    """Return what is known of the source since a checkpoint, or since a later snapshot of it."""
    found = load_checkpoint(sides.source, checkpoint_id)
    why = _why_lost(found, checkpoint_id, sides.here.server.system)
    if found is None or why:
        return SourceLog("", set(), {str(of.name): why for of in sides.plan.tables})
    tables = {str(of.name): of.source_oid for of in sides.plan.tables}
    unseen = gaps(sides.source, tables, _keyed(sides), always=False, since=found.snapshot)
    since = since or found.snapshot
    logs = read_logs(sides.source, since)
    unfit = {of.source_oid for of in sides.plan.tables if not _fits(of.key, of.source_oid, logs)}
    return SourceLog(since, {*logs.emptied, *unfit}, unseen, found)


def logged_tables(sides: Sides, checkpoint: Checkpoint, since: str) -> set[int]:
    """Return the tables whose log says all that was written since a snapshot; the others are compared row by row."""
    if checkpoint.system != sides.there.server.system:
        return set()
    if checkpoint.content.get("capture") == Capture.SLOT:
        captured = slot_captured(sides.target, slot_name(sides.target), checkpoint.snapshot)
        whole = {oid for oid, is_whole in captured.items() if is_whole}
    else:
        oids = {str(of.name): of.oid for of in sides.plan.tables}
        broken = gaps(sides.target, oids, _keyed(sides), always=True, since=checkpoint.snapshot)
        whole = {oid for name, oid in oids.items() if name not in broken}
    logs = read_logs(sides.target, since)
    fit = {of.oid for of in sides.plan.tables if _fits(of.key, of.oid, logs)}
    return (whole & fit).difference(logs.emptied) - regrouped(sides.target, checkpoint)


def _fits(key: Collection[str], oid: int, logs: Logs) -> bool:
    return not key or set(logs.keys.get(oid, ())) == set(key)


def _keyed(sides: Sides) -> set[str]:
    return {str(of.name) for of in sides.plan.tables if of.key}


def demand_logged(sides: Sides) -> None:
    """Where no trigger stops writers, those of the logs must show that nobody writes.

    Raises:
        PermanentError: they do not show it of all tables.
    """
    tables = {str(of.name): of.oid for of in sides.plan.tables}
    broken = gaps(sides.target, tables, _keyed(sides), always=True)
    if broken:
        said = "; ".join(f"{name}: {why}" for name, why in broken.items())
        raise PermanentError(f"nobody could tell whether the hook stopped the target's writers: {said}")


def drain_to_the_end(target: Connection[Rows], checkpoint: Checkpoint) -> None:
    """Log all that a slot has captured; where triggers capture, it is there already.

    Raises:
        TransientError: it takes longer: what was read is kept.
    """
    if checkpoint.content.get("capture") == Capture.SLOT:
        name = slot_name(target)
        if slot_standing(target, name) is None:
            drain_all(target, name, end_of_log(target))
