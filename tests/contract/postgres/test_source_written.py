"""The source is open to its clients while rows go back: what they write there is never written over unseen."""

import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest

from local.postgres import NEW, OLD
from shared.adapters.postgres.copying.chunks import Chunk, Effects, apply_chunk
from shared.adapters.postgres.copying.conflicts import conflicts, keep_conflicts
from shared.adapters.postgres.server.sides import read_sides
from shared.adapters.postgres.way_back.sync import Stage
from shared.errors import PermanentError, TransientError
from shared.model.sync import Conflicts, Keyless, Pass
from tests.contract.postgres.pairs import Pair, Servers
from tests.contract.postgres.ways import RULES, back, before, rows, start

_TABLE = "CREATE TABLE items (id int PRIMARY KEY, a text)"
_CONFLICTS = "SELECT key, source, target, kept FROM rollback_controller.conflict ORDER BY key"


@pytest.fixture(params=["keeper", "orderly"])
def pair(servers: Servers, request: pytest.FixtureRequest) -> Iterator[Pair]:
    with servers.pair(OLD, NEW, request.param) as one:
        one.run(_TABLE, "INSERT INTO items SELECT i, 'old' FROM generate_series(1, 10) i")
        start(one)
        one.target.run("UPDATE items SET a = 'target' WHERE id = 1")
        one.open_to_writers()
        yield one


def _client(pair: Pair, *statements: str) -> Callable[[], None]:
    def writes() -> None:
        with pair.source.connect("app") as client:
            for statement in statements:
                client.execute(statement.encode())

    return writes


_OVER = "UPDATE items SET a = 'source' WHERE id = 1"
_BESIDE = "UPDATE items SET a = 'source' WHERE id = 5"
_NEW, _GONE = "INSERT INTO items VALUES (50, 'source')", "DELETE FROM items WHERE id = 7"
# Before a chunk is applied, after all are, after all is proved; over a row that goes back, and besides.
_WHEN = [Stage.COPY, Stage.SETTLE, Stage.JUDGE]


@pytest.mark.parametrize("stage", _WHEN)
@pytest.mark.parametrize("writes", [_OVER, _BESIDE, _NEW, _GONE], ids=["over", "beside", "new", "gone"])
def test_it_stops_where_the_policy_does(pair: Pair, stage: Stage, writes: str) -> None:
    rules = replace(RULES, conflicts=Conflicts.STOP)
    with before(stage, _client(pair, writes)), pytest.raises(PermanentError, match=r"as well: 1 of public\.items"):
        back(pair, rules)
    was = rows(pair.source)
    with pytest.raises(PermanentError, match=r"as well: 1 of public\.items"):
        back(pair, rules)
    assert rows(pair.source) == was


@pytest.mark.parametrize("stage", _WHEN)
def test_the_target_wins_and_both_rows_are_kept(pair: Pair, stage: Stage) -> None:
    with before(stage, _client(pair, _OVER, _NEW, _GONE)):
        assert back(pair).stage is Stage.DONE
    assert rows(pair.source) == rows(pair.target)
    assert rows(pair.source, _CONFLICTS) == [
        ("1\n", "(1,source)", "(1,target)", "target"),
        ("50\n", "(50,source)", None, "target"),
        ("7\n", None, "(7,old)", "target"),
    ]


@pytest.mark.parametrize("stage", _WHEN)
def test_the_source_wins(pair: Pair, stage: Stage) -> None:
    with before(stage, _client(pair, _OVER, _NEW, _GONE)):
        state = back(pair, replace(RULES, conflicts=Conflicts.SOURCE_WINS))
    assert state.said.endswith("; 3 stay as they are on the source")
    assert rows(pair.source, "SELECT * FROM items WHERE id IN (1, 7, 50) ORDER BY id") == [
        (1, "source"),
        (50, "source"),
    ]
    assert {kept for *_, kept in rows(pair.source, _CONFLICTS)} == {"source"}


def test_a_client_that_never_stops_is_named(pair: Pair) -> None:
    writes = _client(pair, "UPDATE items SET a = a || '.' WHERE id = 3")
    with (
        before(Stage.JUDGE, writes, times=99),
        pytest.raises(PermanentError, match=r"the source is still written to: public\.items"),
    ):
        back(pair)


def test_one_that_writes_what_stays_does_not_matter(pair: Pair) -> None:
    writes = _client(pair, "UPDATE items SET a = a || '.' WHERE id = 3")
    with before(Stage.JUDGE, writes, times=99):
        assert back(pair, replace(RULES, conflicts=Conflicts.SOURCE_WINS)).stage is Stage.DONE


def test_a_table_that_is_emptied_after_all(pair: Pair) -> None:
    with before(Stage.JUDGE, _client_owner(pair, "TRUNCATE items")):
        assert back(pair).stage is Stage.DONE
    assert rows(pair.source) == rows(pair.target)
    assert len(rows(pair.source, _CONFLICTS)) == 10


def test_rows_without_a_key(servers: Servers) -> None:
    rules = replace(RULES, keyless=Keyless.REPLACE)
    with servers.pair(OLD, OLD) as pair:
        pair.run("CREATE TABLE items (a int)", "INSERT INTO items VALUES (1), (1), (2)")
        start(pair, rules)
        pair.target.run("INSERT INTO items VALUES (3)")
        with before(Stage.COPY, _client_owner(pair, "DELETE FROM items WHERE a = 2")):
            assert back(pair, rules).stage is Stage.DONE
        assert rows(pair.source) == rows(pair.target)
        assert (None, "1 x (2)", "target") in [one[1:] for one in rows(pair.source, _CONFLICTS)]


def _client_owner(pair: Pair, statement: str) -> Callable[[], None]:
    return lambda: pair.source.run(statement)


def test_what_was_decided_last_counts_and_nothing_of_before_is_lost(pair: Pair) -> None:
    """The link breaks when it is decided, and the policy is another one then."""
    pair.source.run(_OVER)
    with (
        patch("shared.adapters.postgres.way_back.stages.not_told", side_effect=TransientError("the link broke")),
        pytest.raises(TransientError),
    ):
        back(pair)
    assert back(pair, replace(RULES, conflicts=Conflicts.SOURCE_WINS)).stage is Stage.DONE
    assert rows(pair.source, "SELECT a FROM items WHERE id = 1") == [("source",)]
    assert rows(pair.source, _CONFLICTS) == [("1\n", "(1,source)", "(1,target)", "source")]


@pytest.mark.parametrize("times", [1, 9], ids=["once", "again and again"])
def test_a_row_comes_again_that_has_gone_and_takes_a_value_that_another_needs(servers: Servers, times: int) -> None:
    left = iter(range(times))
    with servers.pair(OLD, NEW) as pair:
        pair.run("CREATE TABLE items (id int PRIMARY KEY, place int UNIQUE)", "INSERT INTO items VALUES (1, 1), (2, 2)")
        start(pair)
        pair.target.run("DELETE FROM items WHERE id = 1", "UPDATE items SET place = 1 WHERE id = 2")
        pair.open_to_writers()
        comes_again = _client(pair, "INSERT INTO items VALUES (1, 1)")

        def applied(target: Any, source: Any, chunk: Chunk, **named: Any) -> Effects | None:
            if chunk.does is Pass.PUT and chunk.number == 1 and next(left, None) is not None:
                comes_again()
            return apply_chunk(target, source, chunk, **named)

        with (
            patch("shared.adapters.postgres.way_back.copying.apply_chunk", applied),
            nullcontext() if times == 1 else pytest.raises(PermanentError, match="duplicate key"),
        ):
            back(pair, replace(RULES, chunk=1, workers=1))
        back(pair)  # it was the client that was in the way: without it, it goes on
        assert rows(pair.source) == rows(pair.target)


def test_large_rows_pass_one_at_a_time(servers: Servers) -> None:
    """Thirty of a megabyte on each side, all of which differ."""
    with servers.pair(OLD, OLD) as pair:
        pair.run(_TABLE)
        start(pair)
        for side in (pair.source, pair.target):
            side.run(f"INSERT INTO items SELECT i, repeat('{side.called}', 200000) FROM generate_series(1, 30) i")  # noqa: S608
        with (
            pair.source.access.connected(statement=RULES.statement_timeout) as source,
            pair.target.access.connected(statement=RULES.statement_timeout) as target,
        ):
            (of,) = read_sides(source, target, RULES).plan.tables
            tracemalloc.start()
            try:
                found = [one.key for one in conflicts(source, target, of, [b"%d\n" % i for i in range(1, 31)])]
                keep_conflicts(source, target, "sync", of, 1, found, Conflicts.TARGET_WINS)
                _, most = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
        kept = "SELECT count(*), min(length(source)), min(length(target)) FROM rollback_controller.conflict"
        assert rows(pair.source, kept) == [(30, 1_200_004, 1_200_004)]
        assert most < 10 << 20
