"""What is kept beside the tables on both sides, so that any worker can go on where another one stopped.

Target: `checkpoint` (from when on changes are taken), `pin` (which keys were pinned, by round). Source: `progress` (the
chunks that were applied; a row of it is written in the chunk's own transaction and holds its number, by which rows that
we wrote are known), `conflict`, `note`. Nothing of it is ever the only copy of somebody's data, but for the pre-images
on the source, which are kept until they are dropped by hand or by retention.
"""

from typing import Any

from psycopg import Connection
from psycopg.sql import SQL, Composed
from pydantic import TypeAdapter

from shared.adapters.postgres.capture.key_log import install_schema
from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.sql import ours

_TARGET = (
    (
        "checkpoint",
        "id text PRIMARY KEY, taken_at timestamptz NOT NULL, snapshot pg_snapshot NOT NULL, system text NOT NULL,"
        " content jsonb NOT NULL",
    ),
    (
        "pin",
        "sync text, oid oid, round int, keys bigint NOT NULL, chunks int NOT NULL, PRIMARY KEY (sync, oid, round)",
    ),
)
_SOURCE = (
    (
        "checkpoint",
        "id text PRIMARY KEY, taken_at timestamptz NOT NULL, snapshot pg_snapshot NOT NULL, system text NOT NULL,"
        " content jsonb NOT NULL",
    ),
    (
        "progress",
        "sync text, oid oid, round int, pass text, chunk int, keys int NOT NULL, inserted int NOT NULL,"
        " updated int NOT NULL, deleted int NOT NULL, vacated int NOT NULL, took_ms int NOT NULL,"
        " at timestamptz NOT NULL DEFAULT clock_timestamp(), xid xid8 NOT NULL DEFAULT pg_current_xact_id(),"
        " PRIMARY KEY (sync, oid, round, pass, chunk)",
    ),
    (
        "conflict",
        "sync text, oid oid, round int, key text, source text, target text, kept text NOT NULL,"
        " PRIMARY KEY (sync, oid, key, round)",
    ),
    ("note", "sync text, name text, content jsonb NOT NULL, PRIMARY KEY (sync, name)"),
)


def prepare_target(connection: Connection[Rows]) -> None:
    """Make what is kept on the target, if it is not there."""
    install_schema(connection)
    _make(connection, _TARGET)


def prepare_source(connection: Connection[Rows]) -> None:
    """Make what is kept on the source, if it is not there."""
    install_schema(connection)
    _make(connection, _SOURCE)


def load_state[S](source: Connection[Rows], sync: str, kind: type[S]) -> S | None:
    """Return how far a sync is, or `None`."""
    content = load_note(source, sync, "state")
    return TypeAdapter(kind).validate_python(content) if content is not None else None


def save_state(source: Connection[Rows], sync: str, state: object) -> None:
    """Keep how far a sync is."""
    save_note(source, sync, "state", TypeAdapter(type(state)).dump_json(state).decode())


def load_note(source: Connection[Rows], sync: str, name: str) -> Any:
    """Return something that was noted for a sync, as JSON values, or `None`."""
    asked = SQL("SELECT content FROM {} WHERE sync = %s AND name = %s").format(ours("note"))
    row: Any = source.execute(asked, [sync, name]).fetchone()
    return row[0] if row else None


def save_note(source: Connection[Rows], sync: str, name: str, content: str) -> None:
    """Note something for a sync, as JSON, in place of what was noted by that name."""
    source.execute(
        SQL(
            "INSERT INTO {} (sync, name, content) VALUES (%s, %s, %s)"
            " ON CONFLICT (sync, name) DO UPDATE SET content = excluded.content"
        ).format(ours("note")),
        [sync, name, content],
    )


def _make(connection: Connection[Rows], tables: tuple[tuple[str, str], ...]) -> None:
    for name, columns in tables:
        connection.execute(_create(name, columns))


def _create(name: str, columns: str) -> Composed:
    return SQL("CREATE TABLE IF NOT EXISTS {} ({})").format(ours(name), SQL(columns))
