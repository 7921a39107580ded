"""The server itself says whether statements were split where it splits them, and which it takes in no transaction."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection

from shared.decision.migration_refusals import refusals
from shared.decision.migration_sql import Unfinished, statements
from shared.model.migration import Script
from tests.contract.postgres_migration.place import Place

# Most of it can stand in a list of values, whatever stands beside it; some of it breaks what follows.
_VALUES = (
    *("1", "$$;$$", "$a$ $$ ; $a$", "'a;'", "'a\\'", "E'a\\';'", "''';'", "E'\\\\'", "U&'\\0061;'", "B'1'", "N'a;'"),
    *("'a'\n';b\\'", "E'a'\n';b\\''", "E'a' -- ;'\n ';\\''", "(SELECT 1)", '1 AS "a;"', "1 AS a$$b", "1 AS é$a$"),
)
_BETWEEN = (",", ", ", "\n,", ", -- ; ' \n", "/* ; ' */,", ",/* /* ; */ $$ */", ";SELECT ", ",'", ', "', ", $a$", "+")
_PIECES = st.lists(st.tuples(st.sampled_from(_VALUES), st.sampled_from(_BETWEEN)).map("".join), max_size=4)


@pytest.fixture
def asked(either: Place) -> Iterator[Connection[Any]]:
    with either.database.connect("keeper") as connection:
        yield connection


def _results(connection: Connection[Any], sql: str) -> list[Any] | None:
    """Return the first value of each statement's result, or `None` if the server does not take all of it."""
    try:
        cursor = connection.execute(sql.encode())
    except psycopg.Error:
        return None
    found: list[Any] = []
    while True:
        found += [cursor.fetchall()] if cursor.description else []
        if not cursor.nextset():
            return found


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(_PIECES, min_size=1, max_size=3))
def test_one_after_the_other_they_are_what_the_server_makes_of_the_whole(
    asked: Connection[Any], pieces: list[list[str]]
) -> None:
    sql = "".join(f"SELECT {''.join(some)} '>';" for some in pieces)
    whole = _results(asked, sql)
    try:
        split = statements(sql)
    except Unfinished:
        assert whole is None
        return
    if whole is not None:
        assert [_results(asked, statement.text) for statement in split] == [[one] for one in whole]


@pytest.mark.parametrize(
    "sql",
    [
        "VACUUM",
        "CREATE DATABASE another",
        "DROP DATABASE IF EXISTS another",
        "CREATE TABLESPACE another LOCATION '/nowhere'",
        "ALTER SYSTEM SET work_mem = '1MB'",
        "CREATE INDEX CONCURRENTLY ON items (id)",
        "REINDEX TABLE CONCURRENTLY items",
        "REINDEX SCHEMA public",
        "DISCARD ALL",
        "CLUSTER",
    ],
)
def test_what_is_refused_the_server_refuses_too(either: Place, sql: str) -> None:
    assert refusals([Script(name="001_s.sql", text=sql, sha256="")])
    either.database.run("CREATE TABLE items (id int PRIMARY KEY)")
    with either.connect() as connection:
        connection.execute("BEGIN")
        with pytest.raises(psycopg.errors.ActiveSqlTransaction):
            connection.execute(sql.encode())


def test_a_new_value_of_a_type_is_refused_by_the_server_too(either: Place) -> None:
    either.database.run("CREATE TYPE state AS ENUM ('new')")
    with either.database.connect("keeper") as connection:
        connection.execute("BEGIN")
        connection.execute("ALTER TYPE state ADD VALUE 'sent'")
        with pytest.raises(psycopg.errors.UnsafeNewEnumValueUsage):
            connection.execute("SELECT 'sent'::state")
