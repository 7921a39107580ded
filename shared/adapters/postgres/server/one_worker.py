"""One worker at a time at the rows of a source and a target, whichever way back they work on.

A session's lock on both databases: it ends with the connection that holds it. That of a killed worker is gone at once,
as its server looks every second whether a client is still there while a statement runs; that of a host that vanished
by the server's keepalives (`session`). Where a gateway keeps the connection of a worker that is gone, only its silence
tells: one who has asked nothing of either side for a while is ended by the next one, and by its servers some time
later, unless they wait for rows of a COPY, for which they have no time-out at all. Was it only slow, it loses its
connections, and can do no more when it goes on.
https://www.postgresql.org/docs/current/runtime-config-connection.html
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

from psycopg import Connection, Error, errors

from shared.adapters.postgres.server.session import Rows
from shared.errors import PermanentError, TransientError
from shared.model.sync import SyncRules

# "rollback" in ASCII: locks of others in the same database have other numbers.
LOCK = int.from_bytes(b"rollback")
_RETRY = timedelta(seconds=2)
# Longer than anything that a worker does without asking one of the sides.
_SILENT = timedelta(seconds=30)
_HELD = """
FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND (l.classid::int8 << 32 | l.objid::int8) = %s
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
_END = f"SELECT pg_terminate_backend(a.pid) {_HELD}"  # of constants
_IS_SILENT = f"""
SELECT coalesce(bool_and(coalesce(
  (a.state <> 'active' OR a.wait_event = 'ClientRead') AND a.state_change < clock_timestamp() - %s, false)), true)
{_HELD}
"""
# Not every platform can tell.
_LOOK_FOR_CLIENT = "SET client_connection_check_interval = '1s'"


@contextmanager
def alone(sides: Sequence[Connection[Rows]], rules: SyncRules) -> Iterator[None]:
    """Keep other workers out, until the connections close or this ends.

    The wait for another one is that for any lock of the session.

    Raises:
        TransientError: another one is at it.
        PermanentError: two sides are one database.
    """
    for side in sides:
        _prepare(side, rules)
    try:
        _lock_all(sides)
    except TransientError:
        if len({_place(side) for side in sides}) < len(sides):
            raise PermanentError("source and target are the same database") from None
        if not all(_is_silent(side, rules) for side in sides):
            raise
        for side in sides:
            _end_others(side)
        _lock_all(sides)
    try:
        yield
    finally:
        for side in sides:
            _release(side)


@contextmanager
def instead_of_others(side: Connection[Rows]) -> Iterator[None]:
    """Take the place of whoever works, who loses the connection to this side, and so can put up no more of a fence.

    Raises:
        TransientError: somebody else is still at it, who is not ours to end.
    """
    _end_others(side)
    _lock(side)
    try:
        yield
    finally:
        _release(side)


@contextmanager
def unless_at_work(side: Connection[Rows]) -> Iterator[bool]:
    """Keep workers out of a side, if there is none; say whether that is so."""
    row: Any = side.execute("SELECT pg_try_advisory_lock(%s)", [LOCK]).fetchone()
    try:
        yield bool(row[0])
    finally:
        if row[0]:
            _release(side)


def _prepare(side: Connection[Rows], rules: SyncRules) -> None:
    longest_ms = str(int(_longest(rules) / timedelta(milliseconds=1)))
    side.execute("SELECT set_config('idle_session_timeout', %s, false)", [longest_ms])
    with suppress(errors.InvalidParameterValue):
        side.execute(_LOOK_FOR_CLIENT)


def _longest(rules: SyncRules) -> timedelta:
    """While the other side is waited for, one is idle: for a statement, or for writers before the fence."""
    return 2 * rules.statement_timeout + rules.fence_within


def _lock_all(sides: Sequence[Connection[Rows]]) -> None:
    for place, side in enumerate(sides):
        try:
            _lock(side)
        except TransientError:
            for locked in sides[:place]:
                _release(locked)
            raise


def _place(side: Connection[Rows]) -> Rows | None:
    return side.execute("SELECT current_database(), pg_postmaster_start_time()").fetchone()


def _is_silent(side: Connection[Rows], rules: SyncRules) -> bool:
    """Whether whoever holds the lock of a side asks nothing of it; also if nobody does."""
    row: Any = side.execute(_IS_SILENT, [min(_SILENT, _longest(rules)), LOCK]).fetchone()
    return bool(row[0])


def _end_others(side: Connection[Rows]) -> None:
    with suppress(errors.InsufficientPrivilege):
        side.execute(_END, [LOCK])


def _lock(side: Connection[Rows]) -> None:
    try:
        side.execute("SELECT pg_advisory_lock(%s)", [LOCK])
    except (errors.LockNotAvailable, errors.QueryCanceled):
        raise TransientError("another worker is at it", retry_after=_RETRY) from None


def _release(side: Connection[Rows]) -> None:
    """What is broken holds nothing any more."""
    with suppress(Error):
        side.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
