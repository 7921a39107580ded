"""What is said of the server's errors: what it was, and where; never a value of a row, nor a password."""

from collections.abc import Iterator

import psycopg
import pytest

from local.postgres import NEW, OLD
from shared.adapters.postgres.server.session import Access, sentence, translated
from shared.errors import ControllerError
from shared.model.policy_data import Database as Policy
from tests.contract.postgres.pairs import Database, Pair, Servers

_MADE = (
    "CREATE TYPE paid AS ENUM ('yes', 'no')",
    "CREATE DOMAIN small AS int CONSTRAINT is_small CHECK (VALUE < 100)",
    "CREATE TABLE cards (id int PRIMARY KEY, name text NOT NULL, born date, short varchar(3), one small,"
    " few int CONSTRAINT few_ones CHECK (few < 9))",
    "INSERT INTO cards (id, name) VALUES (4111, 'card 4111')",
    "CREATE FUNCTION guard(state text) RETURNS int LANGUAGE plpgsql AS"
    " $$ BEGIN RAISE 'card 4111 is blocked' USING ERRCODE = state; END $$",
    "CREATE FUNCTION assured() RETURNS int LANGUAGE plpgsql AS $$ BEGIN ASSERT false, 'card 4111'; RETURN 1; END $$",
    "CREATE FUNCTION cast_it(what text) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN what::int; END $$",
)
_SAID = {
    "SELECT name::int FROM cards": "invalid text representation (SQLSTATE 22P02)",
    "SELECT name::paid FROM cards": "invalid text representation (SQLSTATE 22P02)",
    "SELECT name::uuid FROM cards": "invalid text representation (SQLSTATE 22P02)",
    "SELECT name::jsonb FROM cards": "invalid text representation (SQLSTATE 22P02)",
    "SELECT name::date FROM cards": "invalid datetime format (SQLSTATE 22007)",
    "SELECT (id || '-99-99')::date FROM cards": "datetime field overflow (SQLSTATE 22008)",
    "SELECT (id || '00000000')::int FROM cards": "numeric value out of range (SQLSTATE 22003)",
    "SELECT set_config('timezone', name, true) FROM cards": "invalid parameter value (SQLSTATE 22023)",
    "UPDATE cards SET short = name": "string data right truncation (SQLSTATE 22001)",
    "SELECT cast_it(name) FROM cards": "invalid text representation (SQLSTATE 22P02, function cast_it)",
    "INSERT INTO cards TABLE cards": 'duplicate key value violates unique constraint "cards_pkey" (cards, cards_pkey)',
    "UPDATE cards SET name = NULL": 'null value in column "name" of relation "cards" violates not-null constraint',
    "UPDATE cards SET few = id": 'new row for relation "cards" violates check constraint "few_ones" (cards, few_ones)',
    "UPDATE cards SET one = id": 'value for domain small violates check constraint "is_small"',
    "SELECT guard('P0001')": "raise exception (SQLSTATE P0001, function guard)",
    "SELECT guard('23514')": "check violation (SQLSTATE 23514, function guard)",
    "SELECT guard('45000')": "database error (SQLSTATE 45000, function guard)",
    "SELECT assured()": "assert failure (SQLSTATE P0004, function assured)",
    "SELECT nothing FROM cards": 'column "nothing" does not exist',
    "SELECT guard('RB001')": "card 4111 is blocked",  # nobody else uses this state: these words are ours
}


@pytest.fixture(scope="module")
def cards(servers: Servers) -> Iterator[Pair]:
    with servers.pair(OLD, NEW) as pair:
        pair.run(*_MADE)
        yield pair


@pytest.fixture(params=["source", "target"])
def side(cards: Pair, request: pytest.FixtureRequest) -> Database:
    return cards.source if request.param == "source" else cards.target


@pytest.mark.parametrize("statement", _SAID)
def test_a_sentence_names_what_and_where_and_no_value(side: Database, statement: str) -> None:
    with side.connect("keeper") as connection, pytest.raises(psycopg.Error) as caught:
        connection.execute(statement.encode())
    assert sentence(caught.value) == _SAID[statement]


_COPIED = {
    "2\tb\tcard 4111, line 3, column 4111: x\n": "invalid datetime format (SQLSTATE 22007, table cards, column born)",
    "2\t4111, line 3, column 4111: x\n": "bad copy file format (SQLSTATE 22P04)",
}


@pytest.mark.parametrize("line", _COPIED)
def test_of_a_copy_the_column_is_named(cards: Pair, line: str) -> None:
    with pytest.raises(ControllerError) as caught, translated("source"):
        _copy(cards.source, line)
    assert str(caught.value) == f"source database: {_COPIED[line]}"


def _copy(side: Database, line: str) -> None:
    with side.connect("keeper") as connection, connection.cursor().copy("COPY cards (id, name, born) FROM STDIN") as to:
        to.write(line)


def test_whoever_prints_how_to_reach_a_database_prints_no_password(cards: Pair) -> None:
    access = cards.source.access
    policy = Policy(source=access.conninfo, target="host=there password=made-up")
    token = Access("source", access.conninfo, token=lambda: "made-up")
    assert "made-up" not in f"{access!r} {token} {policy!r} {policy}"
    assert "made-up" in access.conninfo
