"""Runs scripts, statement by statement, within a transaction that its caller has begun.

What goes wrong is said by file and line: the server names a place within the statement, or none at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import psycopg
from psycopg import Connection, errors

from shared.adapters.postgres.migration.session import make_plain
from shared.adapters.postgres.server.catalogue import OURS
from shared.adapters.postgres.server.session import Rows, sentence
from shared.decision.migration_sql import Statement, line_of, statements
from shared.errors import PermanentError
from shared.model.migration import Limits, Lock, Progress, Script

# Somebody had what we needed: the transaction may well succeed as it is, a moment later.
_PASSING = (errors.LockNotAvailable, errors.DeadlockDetected, errors.SerializationFailure)
# A column's type is to change, or it is to go, and something depends on it.
_DEPENDED_ON = ("0A000", "2BP01")
_CAPTURE = f"trigger {OURS}_log_"
_HELD_BY_CAPTURE = (
    ": a change of this database is in progress, and keys of its rows are logged by a trigger of ours. Complete the"
    " change (by hand: `python -m shared.data end POLICY`), and apply it then"
)
# From the weakest to the strongest, with who waits while one is held.
_MODES = {
    "AccessShareLock": "whoever drops or alters the table",
    "RowShareLock": "whoever drops, alters or locks the table",
    "RowExclusiveLock": "whoever alters or indexes the table, and writers of the same rows",
    "ShareUpdateExclusiveLock": "vacuum, analyse and whoever alters the table",
    "ShareLock": "all writers of the table",
    "ShareRowExclusiveLock": "all writers of the table",
    "ExclusiveLock": "all writers of the table",
    "AccessExclusiveLock": "all readers and writers of the table",
}
_STRENGTH = {mode: place for place, mode in enumerate(_MODES)}
_THERE = "SELECT oid::int8 FROM pg_class WHERE relkind IN ('r', 'p', 'm', 'v', 'f')"
_HELD = """
SELECT c.oid::int8, format('%%I.%%I', n.nspname, c.relname), l.mode
FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE l.pid = pg_backend_pid() AND l.granted AND l.locktype = 'relation' AND c.relkind IN ('r', 'p', 'm', 'v', 'f')
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', %s)
"""


class NotFree(Exception):
    """A lock was not free in time, or another transaction came between; says in which script and where."""


@dataclass(slots=True)
class Ran:
    """What scripts did in one transaction.

    Attributes:
        took: Seconds by script.
    """

    took: dict[str, float] = field(default_factory=dict)
    locks: tuple[Lock, ...] = ()


def run_scripts(connection: Connection[Rows], scripts: Sequence[Script], limits: Limits, progress: Progress) -> Ran:
    """Run scripts in their order.

    Raises:
        NotFree: it may work when it is begun again.
        PermanentError: it will not; it says which script, which line and what the server said.
    """
    ran = Ran()
    watch = _Watch(connection)
    for place, script in enumerate(scripts, start=1):
        began = monotonic()
        progress.begin(script.name, place, len(scripts))
        make_plain(connection, limits)
        for statement in statements(script.text):
            _run(connection, script, statement)
        make_plain(connection, limits)
        watch.look()
        ran.took[script.name] = monotonic() - began
        progress.end(script.name, ran.took[script.name])
    check_deferred(connection)
    ran.locks = watch.seen()
    return ran


def check_deferred(connection: Connection[Rows]) -> None:
    """Check now what would be checked at the commit, so that what must hold is asked of what will be."""
    try:
        connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
    except psycopg.Error as error:
        if isinstance(error, _PASSING):
            raise NotFree(f"checking deferred constraints: {sentence(error)}") from None
        raise PermanentError(f"deferred constraints, after all scripts: {sentence(error)}") from None


def _run(connection: Connection[Rows], script: Script, statement: Statement) -> None:
    try:
        connection.execute(statement.text.encode())
    except psycopg.Error as error:
        said = f"{script.name}:{_line(script, statement, error)}: {_said(error)}"
        if isinstance(error, _PASSING):
            raise NotFree(said) from None
        raise PermanentError(said) from None


def _said(error: psycopg.Error) -> str:
    """What a script raises it says to whoever runs it, and what stands in its text is no secret to them."""
    of_script = isinstance(error, errors.RaiseException) or error.diag.statement_position
    said = error.diag.message_primary if of_script else None
    captured = error.sqlstate in _DEPENDED_ON and _CAPTURE in (error.diag.message_detail or "")
    return f"{said or sentence(error)}{_HELD_BY_CAPTURE if captured else ''}"


def _line(script: Script, statement: Statement, error: psycopg.Error) -> int:
    position = error.diag.statement_position
    return line_of(script.text, statement.start + (int(position) - 1 if position else 0))


class _Watch:
    """Which locks are held on tables that were there before, and since when they were first seen."""

    def __init__(self, connection: Connection[Rows]) -> None:
        self._connection = connection
        self._there = {oid for (oid,) in connection.execute(_THERE).fetchall()}
        self._since: dict[int, float] = {}
        self._strongest: dict[int, tuple[str, str]] = {}
        self._before = monotonic()

    def look(self) -> None:
        """Look once a script: what it has locked counts from its beginning."""
        rows: list[Any] = self._connection.execute(_HELD, [OURS]).fetchall()
        for oid, name, mode in rows:
            if oid not in self._there:
                continue
            self._since.setdefault(oid, self._before)
            known = self._strongest.get(oid)
            if known is None or _STRENGTH[mode] > _STRENGTH[known[1]]:
                self._strongest[oid] = (name, mode)
        self._before = monotonic()

    def seen(self) -> tuple[Lock, ...]:
        """Return the strongest lock of each table, the strongest first."""
        now = monotonic()
        locks = [
            Lock(table=name, mode=mode, holds_up=_MODES[mode], held_s=now - self._since[oid])
            for oid, (name, mode) in self._strongest.items()
        ]
        return tuple(sorted(locks, key=lambda lock: (-_STRENGTH[lock.mode], lock.table)))
