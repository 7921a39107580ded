"""Keeps writers out of tables: triggers that raise, on every table and partition, for every role and session.

A read-only default is no fence: a session can unset it. A trigger that always fires cannot be passed by whoever does
not own the table. Creating it waits for every open writer, and whoever comes later fails; so once it stands, nothing
that is not in the tables will ever be in them. A TRUNCATE is held off as well.
https://www.postgresql.org/docs/current/sql-createtrigger.html
"""

from collections.abc import Iterable, Iterator, Sequence
from time import monotonic, sleep
from typing import Any

from psycopg import Connection, Error, errors
from psycopg.sql import SQL, Composed, Identifier, Literal

from shared.adapters.postgres.server.catalogue import OURS
from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.sql import ours, table
from shared.adapters.postgres.server.subscriptions import feeding
from shared.errors import PermanentError
from shared.model.sync import SyncTable
from shared.model.tables import TableName

# In the class that the standard leaves to applications; nobody else's error is taken for ours.
REFUSED_STATE = "RB001"
_TRIGGER = Identifier(f"{OURS}_fence")
_HINT = "writes are stopped here because this database is being rolled back"
_FUNCTION = SQL("CREATE OR REPLACE FUNCTION {}() RETURNS trigger LANGUAGE plpgsql AS {}")
_BODY = f"BEGIN RAISE EXCEPTION '{_HINT}' USING ERRCODE = '{REFUSED_STATE}'; END"
_PAUSE_S = 0.05
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
SELECT n.nspname, c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
JOIN pg_namespace n ON n.oid = c.relnamespace WHERE t.tgname = %s AND (t.tgenabled = 'A' OR NOT %s)
"""
_OPEN = """
SELECT DISTINCT n.nspname, c.relname FROM unnest(%s::oid[]) AS wanted (oid)
CROSS JOIN LATERAL (SELECT wanted.oid UNION SELECT relid FROM pg_partition_tree(wanted.oid)) AS each (oid)
JOIN pg_class c ON c.oid = each.oid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname = %s AND t.tgenabled = 'A')
ORDER BY 1, 2
"""
# Who holds a table against us, and since when; never what they run. Of another role's session no more is shown than its
# role and process, unless ours is in pg_read_all_stats.
_HOLDERS = """
SELECT DISTINCT coalesce(nullif(a.application_name, ''), a.usename, 'somebody') || ' (process ' || a.pid || ')'
       || coalesce(' since ' || to_char(a.xact_start AT TIME ZONE 'UTC', 'HH24:MI:SS') || ' UTC', '')
FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.relation = ANY (%s::regclass[]) AND l.granted AND a.pid <> pg_backend_pid()
  AND l.mode IN ('RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
"""


def raise_fence(connection: Connection[Rows], tables: Sequence[SyncTable], within_s: float, by: str = "") -> float:
    """Stop all writes to the tables; when this returns, none is open and none can begin.

    Args:
        within_s: How long open writers are waited for, all in all.
        by: The way back that puts it up; it takes over one that stands.

    Returns:
        How long it took, in seconds.

    Raises:
        PermanentError: writers did not end in time, or no trigger stops them; it names them. Nothing is fenced then.
        psycopg.Error: it could not be put up.
    """
    began = monotonic()
    fed = feeding(connection, [one.oid for one in tables])
    if fed:
        said = "; ".join(f"the subscription {one.name} writes past any fence: {one.off}" for one in fed)
        raise PermanentError(said)
    names = _fenced(tables)
    with connection.transaction():
        connection.execute(_FUNCTION.format(ours("fence"), Literal(_BODY)))
        connection.execute(SQL("COMMENT ON FUNCTION {}() IS {}").format(ours("fence"), Literal(by)))
    standing = fenced_tables(connection)
    for place, name in enumerate(names):
        while name not in standing and not _raised(connection, name):
            if monotonic() - began > within_s:
                holders = _holders(connection, name)
                _lower(connection, names[:place])
                raise PermanentError(f"writers did not let go of {name} within {within_s:.0f} s: {holders}")
            sleep(_PAUSE_S)
    return monotonic() - began


def fenced_by(connection: Connection[Rows]) -> str:
    """Return which way back keeps writers out; empty if none does. A fence that nobody signed is nobody's: `?`."""
    if not fenced_tables(connection, only_firing=False):
        return ""
    row = connection.execute(_SIGNED, [OURS]).fetchone()
    return str(row[0]) if row and row[0] else "?"


def lower_fence(connection: Connection[Rows], tables: Sequence[SyncTable]) -> None:
    """Let writers into the tables again."""
    _lower(connection, _fenced(tables))


def open_tables(connection: Connection[Rows], oids: Iterable[int]) -> list[str]:
    """Return which of the tables, or of their partitions, no fence of ours holds; changes nothing."""
    rows: list[Any] = connection.execute(_OPEN, [list(oids), f"{OURS}_fence"]).fetchall()
    return [str(TableName(schema, name)) for schema, name in rows]


def lower_fences(connection: Connection[Rows]) -> None:
    """Let writers in again, wherever a fence of ours is."""
    _lower(connection, sorted(fenced_tables(connection, only_firing=False)))


def fenced_tables(connection: Connection[Rows], *, only_firing: bool = True) -> set[TableName]:
    """Return the tables and partitions on which a fence of ours is; changes nothing."""
    rows: list[Any] = connection.execute(_STANDING, [f"{OURS}_fence", only_firing]).fetchall()
    return {TableName(schema, name) for schema, name in rows}


def _fenced(tables: Sequence[SyncTable]) -> list[TableName]:
    return sorted({name for one in tables for name in (one.name, *one.leaves)})


def _raised(connection: Connection[Rows], name: TableName) -> bool:
    """Fence one table in a transaction of its own: who holds no lock while it waits is in no circle of waiters.

    A writer of several tables is either done with all of them, or refused by the first that is fenced.
    """
    try:
        with connection.transaction():
            for statement in _statements(name):
                connection.execute(statement)
    except (errors.LockNotAvailable, errors.DeadlockDetected):
        return False
    return True


def _lower(connection: Connection[Rows], names: Sequence[TableName]) -> None:
    for name in names:
        connection.execute(SQL("DROP TRIGGER IF EXISTS {} ON {}").format(_TRIGGER, table(name)))


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
        with connection.transaction():
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


def _holders(connection: Connection[Rows], name: TableName) -> str:
    rows = connection.execute(_HOLDERS, [[table(name).as_string()]]).fetchall()
    return ", ".join(str(row[0]) for row in rows) or "nobody that can be named"
