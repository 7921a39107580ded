"""What a database knows of its migrations: the scripts it has taken, and the points before them.

`migration` keeps its rows when scripts are taken back (`undone_at`): that is history, and the script counts as not
applied. `restore_point` is written in a transaction of its own, so that it outlives a rollback of the scripts.

A named restore point in the log needs a right that managed servers give nobody; without it a point is a time and a
place in the log, which is what their point-in-time restore asks for.
https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-BACKUP
"""

from collections.abc import Sequence
from typing import Any

from psycopg import Connection, errors
from psycopg.sql import SQL

from shared.adapters.postgres.capture.key_log import install_schema
from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.sql import ours
from shared.model.migration import Applied, RestorePoint, Script

_TABLES = {
    "restore_point": "name text PRIMARY KEY, at timestamptz NOT NULL, lsn pg_lsn NOT NULL, timeline int NOT NULL,"
    " system text NOT NULL, exact bool NOT NULL, held text[] NOT NULL",
    "migration": "id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, sha256 text NOT NULL,"
    " applied_at timestamptz NOT NULL DEFAULT now(), restore_point text NOT NULL, by text NOT NULL,"
    " validated_at timestamptz, undone_at timestamptz, undone_by text",
}
_ONCE = "CREATE UNIQUE INDEX IF NOT EXISTS migration_once ON {} (name) WHERE undone_at IS NULL"
# The time is read before the place: whoever restores to that time has nothing that comes after the place.
_POINT = """
INSERT INTO {} (name, at, lsn, timeline, system, exact, held)
SELECT %(name)s, at, {}, ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::int,
       system_identifier::text, %(exact)s, %(held)s
FROM (SELECT clock_timestamp() AS at OFFSET 0) AS clock, pg_control_system()
"""
_IN_THE_LOG = "pg_create_restore_point(%(name)s)"
_BESIDE_IT = "pg_current_wal_insert_lsn()"
_MAY_NAME = """
SELECT has_function_privilege('pg_create_restore_point(text)', 'EXECUTE')
       AND current_setting('wal_level') <> 'minimal'
"""
_MISSING = (errors.InvalidSchemaName, errors.UndefinedTable)


def prepare_migrations(connection: Connection[Rows]) -> None:
    """Make what is kept of migrations, if it is not there."""
    with connection.transaction():
        install_schema(connection)
        for name, columns in _TABLES.items():
            connection.execute(SQL("CREATE TABLE IF NOT EXISTS {} ({})").format(ours(name), SQL(columns)))
        connection.execute(SQL(_ONCE).format(ours("migration")))


def applied_scripts(connection: Connection[Rows]) -> list[Applied]:
    """Return the scripts that the database has taken and not given back, in their order."""
    asked = SQL(
        "SELECT name, sha256, restore_point, validated_at IS NOT NULL FROM {} WHERE undone_at IS NULL ORDER BY id"
    )
    try:
        rows: list[Any] = connection.execute(asked.format(ours("migration"))).fetchall()
    except _MISSING:
        return []
    return [
        Applied(name=name, sha256=digest, restore_point=point, validated=validated)
        for name, digest, point, validated in rows
    ]


def record_applied(connection: Connection[Rows], scripts: Sequence[Script], point: str, by: str) -> None:
    """Write down that scripts were applied, in their own transaction."""
    asked = SQL("INSERT INTO {} (name, sha256, restore_point, by) VALUES (%s, %s, %s, %s)").format(ours("migration"))
    for script in scripts:
        connection.execute(asked, [script.name, script.sha256, point, by])


def record_validated(connection: Connection[Rows], names: Sequence[str]) -> None:
    """Write down that what must hold was seen to hold after the commit."""
    asked = SQL("UPDATE {} SET validated_at = clock_timestamp() WHERE name = ANY (%s) AND undone_at IS NULL")
    connection.execute(asked.format(ours("migration")), [list(names)])


def record_undone(connection: Connection[Rows], names: Sequence[str], by: str) -> None:
    """Write down that scripts were taken back, in the transaction that does it."""
    asked = SQL("UPDATE {} SET undone_at = now(), undone_by = %s WHERE name = ANY (%s) AND undone_at IS NULL")
    connection.execute(asked.format(ours("migration")), [by, list(names)])


def make_point(connection: Connection[Rows], name: str, held: Sequence[str]) -> RestorePoint:
    """Make a restore point, and return it.

    Raises:
        psycopg.Error: among them `UniqueViolation`, if there is one of that name.
    """
    row = connection.execute(_MAY_NAME).fetchone()
    exact = bool(row and row[0])
    asked = SQL(_POINT).format(ours("restore_point"), SQL(_IN_THE_LOG if exact else _BESIDE_IT))
    with connection.transaction():
        connection.execute(asked, {"name": name, "exact": exact, "held": list(held)})
    return next(point for point in restore_points(connection) if point.name == name)


def restore_points(connection: Connection[Rows]) -> tuple[RestorePoint, ...]:
    """Return all restore points of a database, the newest first; none where there was no migration."""
    asked = SQL("SELECT name, at, lsn::text, timeline, system, exact, held FROM {} ORDER BY at DESC, name")
    try:
        rows: list[Any] = connection.execute(asked.format(ours("restore_point"))).fetchall()
    except _MISSING:
        return ()
    return tuple(
        RestorePoint(name=name, at=at, lsn=lsn, timeline=timeline, system=system, exact=exact, held=tuple(held))
        for name, at, lsn, timeline, system, exact, held in rows
    )
