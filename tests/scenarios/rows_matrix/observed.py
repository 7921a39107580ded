"""What is on both sides after a way back, asked of the servers in plain SQL; nothing of the product's own is used.

What was done to the rows of the source is read from its write-ahead log, where each change stands that was committed:
a row that was written twice is there twice, whatever anybody's records say.
"""

# ruff: noqa: S608  # names of the matrix's own tables
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from psycopg import Connection, Error

from tests.contract.postgres.pairs import Database, Pair
from tests.scenarios.rows_matrix.world import SYNC, TABLES

# Rows must be written alike on both sides.
_AS_TEXT = "SET timezone = 'UTC'; SET extra_float_digits = 1; SET row_security = off"
_SLOT = "SELECT pg_create_logical_replication_slot(%s, 'test_decoding', true)"
_CHANGES = (
    "SELECT data FROM pg_logical_slot_peek_changes(%s, NULL, NULL, 'skip-empty-xacts', '1', 'include-xids', '0')"
    " WHERE data LIKE 'table public.%%' ORDER BY data"
)
# Without when and how long: all else follows from the world and the rules alone.
_RECORDS: Mapping[str, str] = {
    "progress": "SELECT oid::text, round, pass, chunk, keys, inserted, updated, deleted, vacated"
    " FROM rollback_controller.progress WHERE sync = %(sync)s ORDER BY oid::text, round, pass, chunk",
    "conflicts": "SELECT oid::text, key, source, target, kept FROM rollback_controller.conflict WHERE sync = %(sync)s"
    " ORDER BY 1, 2",
    "stage": "SELECT content ->> 'stage', content ->> 'round', content ->> 'rows', content ->> 'said'"
    " FROM rollback_controller.note WHERE sync = %(sync)s AND name = 'state'",
    "sequences": "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public' ORDER BY 1",
    "triggers": "SELECT tgrelid::regclass::text, tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal"
    " ORDER BY 1, 2",
}
_LEFT_OVER: Mapping[str, str] = {
    "a prepared transaction": "SELECT gid FROM pg_prepared_xacts WHERE database = current_database()",
    "a session": "SELECT pid, state, wait_event, left(query, 60) FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name LIKE 'rollback-controller%'",
    "a temporary table": "SELECT relname FROM pg_class WHERE relpersistence = 't' AND relkind = 'r'",
    "a lock": "SELECT locktype, mode FROM pg_locks WHERE pid <> pg_backend_pid()"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    " AND pid IN (SELECT pid FROM pg_stat_activity WHERE usename IN ('keeper', 'orderly'))",
}
Rows = dict[str, list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """A world after a way back.

    Attributes:
        changes: To the rows of the source, as its write-ahead log says.
        names: The tables that records name by number: progress by that of the target.
        records: What the product keeps of it: progress, conflicts, stage; and sequences and triggers of the source.
    """

    source: Rows
    target: Rows
    changes: list[str]
    images: Rows
    records: dict[str, list[Any]]
    names: dict[str, str]


@dataclass(frozen=True, slots=True)
class Witness:
    """Reads what was committed on the source since it was called."""

    source: Connection[Any]
    slot: str

    def changes(self) -> list[str]:
        return [str(row[0]) for row in self.source.execute(_CHANGES, [self.slot]).fetchall()]


@contextmanager
def witness(pair: Pair) -> Iterator[Witness]:
    with pair.source.connect() as source:
        source.execute(_AS_TEXT)
        source.execute(_SLOT, [pair.source.name])
        try:
            yield Witness(source, pair.source.name)
        finally:  # it goes with its session as well, but nobody says when: a database with a slot cannot be dropped
            source.execute("SELECT pg_drop_replication_slot(%s)", [pair.source.name])


def rows(side: Connection[Any]) -> Rows:
    """Return all rows of all tables as text, in order."""
    side.execute(_AS_TEXT)
    return {name: [str(row[0]) for row in side.execute(f"SELECT t::text FROM {name} t ORDER BY 1")] for name in TABLES}


def observed(pair: Pair, seen: Witness) -> Observed:
    source = seen.source
    with pair.target.connect() as target:
        return Observed(
            source=rows(source),
            target=rows(target),
            changes=seen.changes(),
            images={name: _images(source, name) for name in TABLES},
            records={name: source.execute(query, {"sync": SYNC}).fetchall() for name, query in _RECORDS.items()},
            names={_oid(target, name): name for name in TABLES},
        )


def _oid(side: Connection[Any], name: str) -> str:
    row: Any = side.execute("SELECT %s::regclass::oid::text", [name]).fetchone()
    oid: str = row[0]
    return oid


def _images(source: Connection[Any], name: str) -> list[str]:
    found = source.execute(f"SELECT i::text FROM rollback_controller.before_{_oid(source, name)} i ORDER BY 1")
    return [str(row[0]) for row in found.fetchall()]


def left_over(side: Database) -> list[str]:
    """Return what a worker has left behind on a server."""
    with side.connect() as whole:
        return [
            f"{side.called}: {what} is left: {row}"
            for what, query in _LEFT_OVER.items()
            for row in whole.execute(query).fetchall()
        ]


def open_tables(target: Database) -> list[str]:
    """Return the tables that take writes of the application."""
    with target.connect("app") as app:
        return [name for name in TABLES if not _is_refused(app, name)]


def _is_refused(app: Connection[Any], name: str) -> bool:
    try:
        app.execute(f"DELETE FROM {name} WHERE false")
    except Error as error:
        return error.sqlstate == "RB001"
    return False
