"""The fence beside others: a report that reads for hours, a writer that does not end, a table that was given away."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import psycopg
import pytest
from psycopg import Connection
from psycopg.sql import SQL, Identifier

from shared.adapters.postgres.capture.records import prepare_target
from shared.adapters.postgres.server.catalogue import read_catalogue
from shared.adapters.postgres.server.fence import (
    REFUSED_STATE,
    clear_fences,
    fenced_by,
    fenced_tables,
    lower_fences,
    open_tables,
    raise_fence,
)
from shared.adapters.postgres.server.session import Rows
from shared.decision.sync_plan import sync_plan
from shared.errors import PermanentError, TransientError
from shared.model.sync import SyncRules, SyncTable
from shared.model.tables import TableName
from tests.contract.postgres.pairs import Database, Pair

_WAITS = {"statement": timedelta(seconds=10), "lock": timedelta(seconds=0.3)}


@pytest.fixture
def target(pair: Pair) -> Database:
    pair.target.run(
        "CREATE TABLE a (id int PRIMARY KEY)",
        "CREATE TABLE b (id int PRIMARY KEY) PARTITION BY RANGE (id)",
        "CREATE TABLE b1 PARTITION OF b FOR VALUES FROM (0) TO (1000)",
    )
    pair.target.open_to_writers()
    return pair.target


@pytest.fixture
def ours(target: Database) -> Iterator[Connection[Rows]]:
    with target.access.connected(**_WAITS) as connection:
        prepare_target(connection)
        yield connection


@contextmanager
def _at_it(side: Database, statement: str, role: str = "app") -> Iterator[None]:
    """Somebody else has done something, and does not end."""
    with side.connect(role) as connection, connection.transaction(force_rollback=True):
        connection.execute(statement.encode())
        yield


def _tables(connection: Connection[Rows]) -> tuple[SyncTable, ...]:
    catalogue = read_catalogue(connection)
    return sync_plan(catalogue, catalogue, SyncRules()).tables


def _open(side: Database) -> list[str]:
    """Return the tables that take a write of the application."""
    return [name for name in ("a", "b") if _takes(side, name)]


def _takes(side: Database, name: str) -> bool:
    adding = SQL("INSERT INTO {0} SELECT count(*) FROM {0}").format(Identifier(name))
    try:
        with side.connect("app") as connection:
            connection.execute(adding)
    except psycopg.DatabaseError as error:
        if error.sqlstate != REFUSED_STATE:
            raise
        return False
    return True


def _left(side: Database) -> int:
    with side.connect() as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_trigger WHERE tgname = 'rollback_controller_fence'"
        ).fetchone()
    assert row is not None
    return int(row[0])


def test_writers_are_let_in_although_a_report_reads(target: Database, ours: Connection[Rows]) -> None:
    tables = _tables(ours)
    with _at_it(target, "SELECT count(*) FROM a, b"):
        raise_fence(ours, tables, 5, "sync")
        assert (_open(target), fenced_by(ours)) == ([], "sync")
        lower_fences(ours)
        assert _open(target) == ["a", "b"]
        # What is left of it does nothing, and nobody takes it for a fence.
        assert _left(target) == 3
        assert (fenced_tables(ours), fenced_by(ours)) == (set(), "")
        assert open_tables(ours, [one.oid for one in tables]) == ["public.a", "public.b", "public.b1"]
        lower_fences(ours)
    clear_fences(ours)
    assert _left(target) == 0


def test_what_was_left_is_put_up_again(target: Database, ours: Connection[Rows]) -> None:
    with _at_it(target, "SELECT count(*) FROM a, b"):
        raise_fence(ours, _tables(ours), 5)
        lower_fences(ours)
        raise_fence(ours, _tables(ours), 5)
        assert _open(target) == []
    clear_fences(ours)
    assert (_open(target), len(fenced_tables(ours))) == ([], 3)
    lower_fences(ours)
    assert (_open(target), _left(target)) == (["a", "b"], 0)


def test_who_gives_up_leaves_nothing_fenced_and_names_the_writer(target: Database, ours: Connection[Rows]) -> None:
    said = r"^writers did not let go of public.b1 within 0 s: app \(process \d+\)$"
    with _at_it(target, "SELECT count(*) FROM a, b"), _at_it(target, "INSERT INTO b1 VALUES (99)"):
        with pytest.raises(PermanentError, match=said):
            raise_fence(ours, _tables(ours), 0.4)
        assert _open(target) == ["a", "b"]
        assert fenced_tables(ours) == set()


def test_a_table_that_is_held_does_not_keep_writers_off_the_others(target: Database, ours: Connection[Rows]) -> None:
    raise_fence(ours, _tables(ours), 5)
    with _at_it(target, "LOCK TABLE a IN SHARE UPDATE EXCLUSIVE MODE"):  # as a VACUUM does
        with pytest.raises(TransientError, match=r"^writers are not let in yet: public.a is held by app \(process"):
            lower_fences(ours)
        assert _open(target) == ["b"]
    lower_fences(ours)
    assert _open(target) == ["a", "b"]


def test_a_table_that_was_given_away_does_not_either(target: Database, ours: Connection[Rows]) -> None:
    raise_fence(ours, _tables(ours), 5)
    with target.connect() as superuser:
        superuser.execute("ALTER TABLE a OWNER TO app")
    with pytest.raises(TransientError, match=r"^writers are not let in yet: must be owner of table a$"):
        lower_fences(ours)
    assert (_open(target), fenced_tables(ours)) == (["b"], {TableName("public", "a")})
