"""Keeps writers out of tables: triggers that raise, on every table and partition, for every role and session.

A read-only default is no fence: a session can unset it. A trigger that always fires cannot be passed by whoever does
not own the table. Creating it waits for every open writer, and whoever comes later fails; so once it stands, nothing
that is not in the tables will ever be in them. A TRUNCATE is held off as well.

To drop a trigger takes a lock that readers hold up, and that holds up all others meanwhile: one report is enough. So a
fence is lowered by switching it off, which passes readers, and counts as one only while it fires; what is left of it
goes when its table is free for a moment.
https://www.postgresql.org/docs/current/sql-createtrigger.html
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from time import monotonic, sleep
from typing import Any, NoReturn

from psycopg import Connection, Error, errors
from psycopg.sql import SQL, Composed, Identifier, Literal

from shared.adapters.postgres.server.catalogue import OURS
from shared.adapters.postgres.server.holders import WRITING, holders
from shared.adapters.postgres.server.session import Rows, at_once, sentence
from shared.adapters.postgres.server.sql import ours, table
from shared.adapters.postgres.server.subscriptions import demand_unfed, feeding
from shared.errors import PermanentError, TransientError
from shared.model.sync import SyncTable
from shared.model.tables import TableName

# In the class that the standard leaves to applications; nobody else's error is taken for ours.
REFUSED_STATE = "RB001"
_TRIGGER = Identifier(f"{OURS}_fence")
_HINT = "writes are stopped here because this database is being rolled back"
_FUNCTION = SQL("CREATE OR REPLACE FUNCTION {}() RETURNS trigger LANGUAGE plpgsql AS {}")
_BODY = f"BEGIN RAISE EXCEPTION '{_HINT}' USING ERRCODE = '{REFUSED_STATE}'; END"
_PAUSE_S = 0.05
# When a trigger fires, as the catalogue writes it.
_ALWAYS, _OFF = "A", "D"
_SIGNED = """
SELECT obj_description(p.oid, 'pg_proc') FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname = %s AND p.proname = 'fence'
"""
# Whoever waits for locks in a circle is found after `deadlock_timeout`, and one of them is ended: we give way before
# that, so that it is never a writer.
GIVE_WAY = """
SELECT set_config('lock_timeout', greatest(1, least(nullif(mine.setting::int, 0), circle.setting::int / 2))::text, true)
FROM pg_settings AS mine, pg_settings AS circle WHERE mine.name = 'lock_timeout' AND circle.name = 'deadlock_timeout'
"""
_STANDING = """
SELECT n.nspname, c.relname, t.tgenabled::text FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
JOIN pg_namespace n ON n.oid = c.relnamespace WHERE t.tgname = %s
"""
_OPEN = """
SELECT DISTINCT n.nspname, c.relname FROM unnest(%s::oid[]) AS wanted (oid)
CROSS JOIN LATERAL (SELECT wanted.oid UNION SELECT relid FROM pg_partition_tree(wanted.oid)) AS each (oid)
JOIN pg_class c ON c.oid = each.oid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname = %s AND t.tgenabled = 'A')
ORDER BY 1, 2
"""


def raise_fence(connection: Connection[Rows], tables: Sequence[SyncTable], within_s: float, by: str = "") -> float:
    """Stop all writes to the tables; when this returns, none is open and none can begin.

    Args:
        within_s: How long open writers are waited for, all in all.
        by: The way back that puts it up; it takes over one that stands.

    Returns:
        How long it took, in seconds.

    Raises:
        PermanentError: writers did not end in time, or no trigger stops them; it names them. Nothing is fenced then,
            besides what it names as that.
        psycopg.Error: it could not be put up.
    """
    began = monotonic()
    demand_unfed(connection, [one.oid for one in tables])
    names = sorted({name for one in tables for name in (one.name, *one.leaves)})
    signed = SQL("COMMENT ON FUNCTION {}() IS {}").format(ours("fence"), Literal(by))
    at_once(connection, (_FUNCTION.format(ours("fence"), Literal(_BODY)), signed))
    standing = {name for name, fires in _triggers(connection).items() if fires == _ALWAYS}
    for name in names:
        while name not in standing and not _raised(connection, name):
            if monotonic() - began > within_s:
                _give_up(connection, name, within_s)
            sleep(_PAUSE_S)
    return monotonic() - began


def fenced_by(connection: Connection[Rows]) -> str:
    """Return which way back keeps writers out; empty if none does. A fence that nobody signed is nobody's: `?`."""
    if not fenced_tables(connection):
        return ""
    row = connection.execute(_SIGNED, [OURS]).fetchone()
    return str(row[0]) if row and row[0] else "?"


def open_tables(connection: Connection[Rows], oids: Iterable[int]) -> list[str]:
    """Return which of the tables, or of their partitions, no fence of ours holds; changes nothing."""
    rows: list[Any] = connection.execute(_OPEN, [list(oids), f"{OURS}_fence"]).fetchall()
    return [str(TableName(schema, name)) for schema, name in rows]


def lower_fences(connection: Connection[Rows]) -> None:
    """Let writers in again, wherever a fence of ours is.

    Raises:
        TransientError: into some tables not yet, as it says; all others are open.
    """
    kept = _let_in(connection)
    if kept:
        raise TransientError(f"writers are not let in yet: {kept}")


def fenced_tables(connection: Connection[Rows], *, only_firing: bool = True) -> set[TableName]:
    """Return the tables and partitions on which a fence of ours is; changes nothing."""
    return {name for name, fires in _triggers(connection).items() if fires != _OFF or not only_firing}


def clear_fences(connection: Connection[Rows]) -> None:
    """Drop what is switched off, and leave it on tables that are not free this moment: it does nothing there."""
    for name in sorted(fenced_tables(connection, only_firing=False) - fenced_tables(connection)):
        with suppress(errors.LockNotAvailable, errors.UndefinedTable, errors.InsufficientPrivilege):
            _dropped(connection, name)


def _triggers(connection: Connection[Rows]) -> dict[TableName, str]:
    """Return when each fires, as the catalogue has it."""
    rows: list[Any] = connection.execute(_STANDING, [f"{OURS}_fence"]).fetchall()
    return {TableName(schema, name): fires for schema, name, fires in rows}


def _let_in(connection: Connection[Rows]) -> str:
    """Say which tables stay fenced, and why; empty if none does."""
    kept = [why for name in sorted(fenced_tables(connection)) if (why := _against_switching_off(connection, name))]
    clear_fences(connection)
    return "; ".join(kept)


def _against_switching_off(connection: Connection[Rows], name: TableName) -> str:
    try:
        connection.execute(SQL("ALTER TABLE ONLY {} DISABLE TRIGGER {}").format(table(name), _TRIGGER))
    except (errors.LockNotAvailable, errors.DeadlockDetected):
        return f"{name} is held by {holders(connection, name, WRITING)}"
    except errors.InsufficientPrivilege as error:
        return sentence(error)
    except (errors.UndefinedTable, errors.UndefinedObject):  # it went meanwhile
        return ""
    return ""


def _dropped(connection: Connection[Rows], name: TableName) -> None:
    """Another one may have put it up again since it was looked at: only the lock tells."""
    with connection.transaction():
        connection.execute(SQL("LOCK TABLE ONLY {} IN ACCESS EXCLUSIVE MODE NOWAIT").format(table(name)))
        if name not in fenced_tables(connection):
            connection.execute(SQL("DROP TRIGGER IF EXISTS {} ON {}").format(_TRIGGER, table(name)))


def _give_up(connection: Connection[Rows], name: TableName, within_s: float) -> NoReturn:
    said = f"writers did not let go of {name} within {within_s:.0f} s: {holders(connection, name, WRITING)}"
    kept = _let_in(connection)
    raise PermanentError(f"{said}; still fenced: {kept}" if kept else said)


def _raised(connection: Connection[Rows], name: TableName) -> bool:
    """Fence one table in a transaction of its own: who holds no lock while it waits is in no circle of waiters.

    A writer of several tables is either done with all of them, or refused by the first that is fenced.
    """
    try:
        at_once(connection, _statements(name))
    except (errors.LockNotAvailable, errors.DeadlockDetected):
        return False
    return True


def unfenced(connection: Connection[Rows], tables: Sequence[SyncTable]) -> list[str]:
    """Return the tables that take a write now: each is tried, with one that changes nothing."""
    fed = {oid for one in feeding(connection, [one.oid for one in tables]) for oid in one.into}
    return [
        str(name)
        for one in tables
        for name in (one.name, *one.leaves)
        if one.oid in fed or _takes_writes(connection, name)
    ]


def _takes_writes(connection: Connection[Rows], name: TableName) -> bool:
    try:
        connection.execute(SQL("DELETE FROM {} WHERE false").format(table(name)))
    except Error as error:
        if error.sqlstate != REFUSED_STATE:
            raise
        return False
    return True


def _statements(name: TableName) -> Iterator[Composed]:
    yield SQL(
        "CREATE OR REPLACE TRIGGER {} BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON {}"
        " FOR EACH STATEMENT EXECUTE FUNCTION {}()"
    ).format(_TRIGGER, table(name), ours("fence"))
    # Not of its partitions, which would be locked as well.
    yield SQL("ALTER TABLE ONLY {} ENABLE ALWAYS TRIGGER {}").format(table(name), _TRIGGER)
