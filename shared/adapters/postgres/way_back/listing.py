"""Reads what is kept in both databases of checkpoints and of ways back, whichever of the two answers."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.sql import SQL

from shared.adapters.postgres.capture.snapshot import Checkpoint
from shared.adapters.postgres.capture.written import written_keys
from shared.adapters.postgres.checkpoint.logs import gaps, lost_as_a_whole
from shared.adapters.postgres.checkpoint.watching import untold_by_slot
from shared.adapters.postgres.server.catalogue import OURS
from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.sql import ours
from shared.adapters.postgres.slot.look import SlotLook, look_at_slot, slot_standing
from shared.adapters.postgres.slot.publishing import slot_name
from shared.adapters.postgres.way_back.state import State, stored_state
from shared.model.policy_data import Capture

_CHECKPOINTS = "SELECT id, taken_at, snapshot::text, system, content FROM {} ORDER BY taken_at DESC, id"
# A way back that has copied nothing yet is the newest.
_SYNCS = """
SELECT n.sync, max(p.at) FROM {notes} AS n LEFT JOIN {progress} AS p USING (sync)
WHERE n.name = 'state' GROUP BY 1 ORDER BY max(p.at) DESC NULLS FIRST, 1
"""
# One row may have been decided in several rounds, each by other images.
_DECIDED = {
    "conflict": "SELECT oid::int8, key, kept, source, target FROM {} WHERE sync = %s ORDER BY oid, key, round",
    "unexplained": "SELECT oid::int8, key, kept, source, target FROM {} WHERE sync = %s ORDER BY oid, key",
}
_IMAGES = """
SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::int8
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relkind = 'r' AND c.relname ~ '^before_[0-9]+'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptCheckpoint:
    """A checkpoint of one side, and what is known of what was written since.

    Attributes:
        lost: Why that is not known, by table or as a whole.
        keys: How many written keys are in the log; `None` where nothing is logged.
    """

    id: str
    taken_at: datetime
    capture: Capture
    tables: int
    lost: tuple[str, ...]
    keys: int | None


@dataclass(frozen=True, slots=True)
class KeptSync:
    """A way back, and when it last changed a row of the source."""

    id: str
    last_change_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptConflict:
    """A row that is not the same on both sides, and which one stays; `None` where there was none of that key.

    Attributes:
        source, target: The columns that go back, in the order of the source.
    """

    table: str
    key: str
    kept: str
    source: str | None
    target: str | None


def checkpoints_on(side: Connection[Rows]) -> list[Checkpoint]:
    """Return all that were taken and not ended, the newest first."""
    if not _is_there(side, "checkpoint"):
        return []
    rows: list[Any] = side.execute(SQL(_CHECKPOINTS).format(ours("checkpoint"))).fetchall()
    return [
        Checkpoint(id=found, taken_at=taken_at, snapshot=snapshot, system=system, content=content)
        for found, taken_at, snapshot, system, content in rows
    ]


def kept_checkpoints(side: Connection[Rows], *, of_source: bool) -> list[KeptCheckpoint]:
    """Return them with what is known of what was written since."""
    return [_kept(side, one, of_source=of_source) for one in checkpoints_on(side)]


def _kept(side: Connection[Rows], one: Checkpoint, *, of_source: bool) -> KeptCheckpoint:
    capture = Capture.TRIGGERS if of_source else Capture(one.content["capture"])
    _, lost = lost_as_a_whole(side, one.id)
    reasons = [lost] if lost else _not_known(side, one, capture, always=not of_source)
    return KeptCheckpoint(
        id=one.id,
        taken_at=one.taken_at,
        capture=capture,
        tables=len(one.content["tables"]),
        lost=tuple(reasons),
        keys=None if lost or capture is Capture.COMPARE else written_keys(side, one),
    )


def _not_known(side: Connection[Rows], one: Checkpoint, capture: Capture, *, always: bool) -> Iterable[str]:
    """Say why it is not known what was written, by table where it is not all of it."""
    tables = one.content["tables"]
    if capture is Capture.SLOT:
        name = slot_name(side)
        lost = slot_standing(side, name)
        return [lost] if lost else untold_by_slot(side, name, one)
    if capture is Capture.TRIGGERS:
        keyed = [name for name, table in tables.items() if table["keyed"]]
        oids = {name: table["oid"] for name, table in tables.items()}
        return [f"{name}: {why}" for name, why in gaps(side, oids, keyed, always=always, since=one.snapshot).items()]
    return ()


def slot_on(target: Connection[Rows]) -> SlotLook | None:
    """Return how the slot stands; `None` where none is meant to be."""
    if all(one.content.get("capture") != Capture.SLOT for one in checkpoints_on(target)):
        return None
    return look_at_slot(target, slot_name(target))


def syncs_on(source: Connection[Rows]) -> list[KeptSync]:
    """Return the ways back that something is kept of, the newest first."""
    if not _is_there(source, "note") or not _is_there(source, "progress"):
        return []
    asked = SQL(_SYNCS).format(notes=ours("note"), progress=ours("progress"))
    rows: list[Any] = source.execute(asked).fetchall()
    return [KeptSync(*row) for row in rows]


def images_bytes(source: Connection[Rows]) -> int:
    """Return how much room the images of rows take."""
    row: Any = source.execute(_IMAGES, [OURS]).fetchone()
    return int(row[0])


def conflicts_on(source: Connection[Rows], sync: str) -> list[KeptConflict] | None:
    """Return the rows that were changed on both sides, with their images; `None` where there is no such way back."""
    return _decided(source, sync, "conflict")


def unexplained_on(source: Connection[Rows], sync: str) -> list[KeptConflict] | None:
    """Return the rows that nobody wrote, the same way; of very many only the first were written down."""
    return _decided(source, sync, "unexplained")


def _decided(source: Connection[Rows], sync: str, kept_in: str) -> list[KeptConflict] | None:
    state = stored_state(source, sync)
    if state is None or not _is_there(source, kept_in):
        return None if state is None else []
    rows: list[Any] = source.execute(SQL(_DECIDED[kept_in]).format(ours(kept_in)), [sync]).fetchall()
    return [_conflict(state, *row) for row in rows]


def _conflict(state: State, oid: int, key: str, kept: str, source: str | None, target: str | None) -> KeptConflict:
    shown = ", ".join(key.rstrip("\n").split("\t"))  # as COPY writes it
    return KeptConflict(table=state.names.get(oid, str(oid)), key=shown, kept=kept, source=source, target=target)


def _is_there(side: Connection[Rows], name: str) -> bool:
    row: Any = side.execute("SELECT to_regclass(%s) IS NOT NULL", [ours(name).as_string()]).fetchone()
    return bool(row[0])
