"""Drains a slot into the log of keys.

The slot is read by SQL, in stretches, and never consumed by reading: the keys are stored together with how far they
reach, and only after that commit the slot is moved on. Killed anywhere between, the next one moves it on first.
Transactions are told when they are committed, so after the fence stands the rest of the log must be read as well.
https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-REPLICATION
"""

from dataclasses import dataclass, replace
from itertools import chain
from time import monotonic
from typing import Any

from psycopg import Connection, errors
from psycopg.rows import scalar_row
from psycopg.sql import SQL

from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.sql import ours
from shared.adapters.postgres.slot.log import KeyLog, carried_by
from shared.adapters.postgres.slot.look import look_at_slot, slot_standing
from shared.adapters.postgres.slot.pgoutput import Committed, Decoder
from shared.errors import TransientError

# How much is read at once: of the server's log, and of what it says. One transaction is never torn, however long.
_STRETCH_BYTES = 512 << 20
_STRETCH_CHANGES = 100_000
_FETCHED = 10_000
# What the server says of a slot, a publication or a part of the log that is not there any more.
_GONE = (errors.UndefinedObject, errors.ObjectNotInPrerequisiteState, errors.UndefinedFile, errors.UndefinedTable)

_NEXT = """
SELECT least(pg_current_wal_flush_lsn(), drained_to + %s::numeric)::text, drained_to >= %s::pg_lsn,
       pg_current_xact_id()::text::int8
FROM {} WHERE name = %s FOR UPDATE
"""
_PEEK = """
SELECT data FROM pg_logical_slot_peek_binary_changes(%s, %s::pg_lsn, %s, 'proto_version', '1', 'publication_names', %s)
"""
_ADVANCE = """
SELECT pg_replication_slot_advance(r.name, r.drained_to) FROM {} AS r
JOIN pg_replication_slots s ON s.slot_name = r.name WHERE r.name = %s AND s.confirmed_flush_lsn < r.drained_to
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drained:
    """What became of draining.

    Attributes:
        changes: How many keys were stored.
        left_bytes: How much of the server's log is left to read, up to where it was asked for; none means done.
        lost: Why nobody knows any more what was written: everything has to be compared. `None` if it is known.
    """

    changes: int = 0
    left_bytes: int = 0
    lost: str | None = None


def drain(target: Connection[Rows], name: str, within_s: float, until: str | None = None) -> Drained:
    """Store what was written, stretch by stretch; at least one, however short the time is.

    Args:
        until: A position in the server's log; without one, what has been written by now.

    Raises:
        psycopg.Error: among them `ObjectInUse` and `LockNotAvailable`, when somebody else is draining.
    """
    ends = monotonic() + within_s
    goal = until or _position(target)
    done = Drained(left_bytes=1)
    while done.left_bytes and not done.lost:
        one = _stretch_or_lost(target, name, goal)
        done = replace(one, changes=done.changes + one.changes)
        if monotonic() > ends:
            break
    return done


def drain_all(target: Connection[Rows], name: str, until_lsn: str, within_s: float = 60.0) -> Drained:
    """Store everything up to a position, such as the end of the log after the fence went up.

    Raises:
        TransientError: there is more than can be read in that time; what was read is stored.
        psycopg.Error: as of `drain`.
    """
    done = drain(target, name, within_s, until_lsn)
    if done.left_bytes:
        raise TransientError(f"{done.left_bytes >> 20} MB of the target's log are left to read")
    return done


def end_of_log(target: Connection[Rows]) -> str:
    """Return the position behind everything that was written so far, on disk or not."""
    row: Any = target.execute("SELECT pg_current_wal_insert_lsn()::text").fetchone()
    return str(row[0])


def _position(target: Connection[Rows]) -> str:
    row: Any = target.execute("SELECT pg_current_wal_flush_lsn()::text").fetchone()
    return str(row[0])


def _stretch_or_lost(target: Connection[Rows], name: str, goal: str) -> Drained:
    try:
        done = _stretch(target, name, goal)
        if not done.left_bytes and not done.lost:
            _advance(target, name)
    except _GONE:
        lost = slot_standing(target, name)
        if lost is None:
            raise
        return Drained(lost=lost)
    return done


def _stretch(target: Connection[Rows], name: str, goal: str) -> Drained:
    """Store one stretch, with how far it goes; one at a time, whoever drains."""
    with target.transaction():
        stretch: Any = target.execute(SQL(_NEXT).format(ours("slot")), [_STRETCH_BYTES, goal, name]).fetchone()
        look = look_at_slot(target, name)
        if look.lost:
            return Drained(lost=look.lost)
        upto, is_there, xid = stretch
        if is_there:
            return Drained()
        target.execute(SQL(_ADVANCE).format(ours("slot")), [name])
        stored, end = _store(target, name, upto, xid)
        left: Any = target.execute(
            SQL(
                "UPDATE {} SET drained_to = %s WHERE name = %s RETURNING greatest(%s::pg_lsn - drained_to, 0)::int8"
            ).format(ours("slot")),
            [end, name, goal],
        ).fetchone()
    return Drained(changes=stored, left_bytes=left[0])


def _store(target: Connection[Rows], name: str, upto: str, xid: int) -> tuple[int, str]:
    """Return how many keys were stored, and up to where."""
    decoder, log = Decoder(), KeyLog(carried_by(target, name), xid)
    stored, told, last = 0, 0, 0
    with target.cursor("slot", binary=True, row_factory=scalar_row) as reading:
        reading.execute(_PEEK, [name, upto, _STRETCH_CHANGES, f'"{name}"'])
        while messages := reading.fetchmany(_FETCHED):
            told += len(messages)
            for event in chain.from_iterable(map(decoder.read, messages)):
                if isinstance(event, Committed):
                    last = event.lsn
                else:
                    log.take(event)
            stored += log.store(target)
    # Less than was asked for: it was read up to the end.
    return stored, upto if told < _STRETCH_CHANGES else f"{last >> 32:X}/{last & 0xFFFFFFFF:X}"


def _advance(target: Connection[Rows], name: str) -> None:
    """Let the server forget what is stored."""
    with target.transaction():
        target.execute(SQL("SELECT FROM {} WHERE name = %s FOR UPDATE").format(ours("slot")), [name])
        target.execute(SQL(_ADVANCE).format(ours("slot")), [name])
