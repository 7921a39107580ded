"""Rows are copied while people still write: what they write meanwhile is neither lost nor in the way."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import count
from typing import Any
from unittest.mock import patch

import pytest

from local.postgres import NEW, OLD
from shared.adapters.postgres.copying.chunks import Effects, apply_chunk
from shared.adapters.postgres.server.fence import fenced_tables
from shared.adapters.postgres.undo.slices import Undo, UndoStage
from shared.adapters.postgres.way_back.evidence import shown
from shared.adapters.postgres.way_back.sync import Stage, State
from shared.errors import PermanentError, TransientError
from shared.model.sync import Conflicts, Keyless, SyncRules
from tests.contract.postgres.pairs import Pair, Servers
from tests.contract.postgres.ways import RULES, back, before, rows, start

_TABLES = (
    "CREATE TABLE items (id int PRIMARY KEY, place int UNIQUE)",
    "INSERT INTO items SELECT i, i FROM generate_series(1, 9) AS i",
)
_FENCE_FIRST = replace(RULES, copy_ahead=False)


@pytest.fixture
def pair(servers: Servers) -> Iterator[Pair]:
    with servers.pair(OLD, NEW) as one:
        one.run(*_TABLES)
        start(one)
        one.open_to_writers()
        yield one


def _writes(pair: Pair, *statements: str) -> Callable[[], None]:
    def write() -> None:
        with pair.target.connect("app") as people:
            for statement in statements:
                people.execute(statement.encode())

    return write


def _is_same(pair: Pair, state: State) -> bool:
    assert state.stage is Stage.DONE
    return bool(rows(pair.source) == rows(pair.target))


def test_rows_are_there_before_a_writer_is_stopped(pair: Pair) -> None:
    pair.target.run("UPDATE items SET place = 10 WHERE id = 1", "DELETE FROM items WHERE id = 2")
    seen: list[object] = []

    def look() -> None:
        seen.append(rows(pair.source, "SELECT id, place FROM items WHERE id < 4 ORDER BY id"))
        _writes(pair, "UPDATE items SET place = 11 WHERE id = 1", "INSERT INTO items VALUES (2, 2), (12, 12)")()

    with before(Stage.FENCE, look):
        state = back(pair)
    assert seen == [[(1, 10), (3, 3)]]
    assert (state.round, state.tables["public.items"].different) == (2, 0)
    assert _is_same(pair, state)


_GIVEN_ON = ("UPDATE items SET place = 99 WHERE id = 2", "UPDATE items SET place = 2 WHERE id = 1")


@pytest.mark.parametrize("at", [Stage.COPY, Stage.FENCE])
def test_a_unique_value_goes_from_row_to_row_meanwhile(pair: Pair, at: Stage) -> None:
    """The row that gave it up is pinned behind the fence alone."""
    pair.target.run("UPDATE items SET place = 10 WHERE id = 1")
    with before(at, _writes(pair, *_GIVEN_ON)):
        assert _is_same(pair, back(pair))


def test_a_unique_value_goes_to_a_row_that_has_not_gone_from_one_that_has(pair: Pair) -> None:
    pair.target.run("UPDATE items SET place = 10 WHERE id = 1", "UPDATE items SET place = 20 WHERE id = 2")
    swap = _writes(pair, "UPDATE items SET place = 30 WHERE id = 1", "UPDATE items SET place = 10 WHERE id = 2")
    with _before_chunk(3, swap):
        assert _is_same(pair, back(pair, replace(RULES, chunk=1, workers=1)))


def test_a_value_that_was_given_on_between_two_passes_can_be_taken_back(pair: Pair) -> None:
    """Both rows are the same when values are given up; when rows are put, one has that of the other."""
    was = rows(pair.source)
    pair.target.run("UPDATE items SET place = place WHERE id IN (1, 2)")
    given_on = _writes(pair, "UPDATE items SET place = 50 WHERE id = 1", "UPDATE items SET place = 1 WHERE id = 2")
    with _before_chunk(1, given_on):
        assert _is_same(pair, back(pair))
    undo = Undo("sync", pair.source.access, RULES)
    while undo.work(30).stage is not UndoStage.DONE:
        pass
    assert rows(pair.source) == was


def test_a_row_that_goes_between_two_passes_counts_as_one_that_went(pair: Pair) -> None:
    pair.target.run("UPDATE items SET place = 10 WHERE id = 1")
    with _before_chunk(1, _writes(pair, "DELETE FROM items WHERE id = 1")):
        state = back(pair)
    with pair.source.connect("keeper") as source:
        items = shown(source, "sync", state)["tables"]["public.items"]
    assert (items["inserted"], items["updated"], items["deleted"]) == (0, 0, 1)


@contextmanager
def _before_chunk(number: int, does: Callable[[], None]) -> Iterator[None]:
    counted = count()

    def apply(*given: Any, **named: Any) -> Effects | None:
        if next(counted) == number:
            does()
        return apply_chunk(*given, **named)

    with patch("shared.adapters.postgres.way_back.copying.apply_chunk", apply):
        yield


@pytest.mark.parametrize("at", [Stage.COPY, Stage.FENCE])
def test_the_source_gets_a_column_of_its_own_meanwhile(pair: Pair, at: Stage) -> None:
    """Whatever stops it then, it goes on."""
    pair.target.run("UPDATE items SET place = 10 WHERE id = 1", "DELETE FROM items WHERE id = 7")

    def change() -> None:
        pair.source.run("ALTER TABLE items ADD note text DEFAULT 'kept'")
        _writes(pair, "UPDATE items SET place = 33 WHERE id = 3")()

    with before(at, change), suppress(PermanentError):
        back(pair)
    assert back(pair).stage is Stage.DONE
    of_both = "SELECT id, place FROM items ORDER BY id"
    assert rows(pair.source, of_both) == rows(pair.target, of_both)
    assert rows(pair.source, "SELECT note FROM items WHERE id = 3") == [("kept",)]


@pytest.mark.parametrize("rule", Conflicts)
def test_rows_of_both_sides_that_are_the_same_for_a_while_are_decided_behind_the_fence(
    pair: Pair, rule: Conflicts
) -> None:
    pair.run("UPDATE items SET place = 40 WHERE id = 4")
    rules = replace(RULES, conflicts=rule)
    with before(Stage.COPY, _writes(pair, "UPDATE items SET place = 41 WHERE id = 4")):
        if rule is Conflicts.STOP:
            with pytest.raises(PermanentError, match="changed on the source as well"):
                back(pair, rules)
            return
        assert back(pair, rules).stage is Stage.DONE
    kept = {Conflicts.SOURCE_WINS: ("source", 40), Conflicts.TARGET_WINS: ("target", 41)}[rule]
    assert rows(pair.source, _TOLD) == [("(4,40)", "(4,41)", kept[0])]
    assert rows(pair.source, "SELECT place FROM items WHERE id = 4") == [(kept[1],)]


_TOLD = "SELECT source, target, kept FROM rollback_controller.conflict"


@pytest.mark.parametrize("times", [1, 12])
def test_the_source_is_written_to_meanwhile(pair: Pair, times: int) -> None:
    """Once, or all the time: what of it stays is decided behind the fence."""
    pair.target.run("UPDATE items SET place = 10 WHERE id = 1")

    def write() -> None:
        with pair.source.connect("app") as other:
            other.execute("UPDATE items SET place = place + 100 WHERE id = 1")

    with before(Stage.COPY, write, times), suppress(PermanentError):
        back(pair)
    assert _is_same(pair, back(pair))


@pytest.mark.parametrize("at", [Stage.PIN, Stage.COPY])
@pytest.mark.parametrize("rule", Conflicts)
def test_the_source_is_emptied_meanwhile(pair: Pair, at: Stage, rule: Conflicts) -> None:
    """It names no row: what would be put back ahead would be the same behind the fence, and no conflict."""
    pair.target.run("UPDATE items SET place = -place")
    rules = replace(RULES, conflicts=rule)
    with before(at, lambda: pair.source.run("TRUNCATE items")):
        if rule is Conflicts.STOP:
            with pytest.raises(PermanentError, match="changed on the source as well"):
                back(pair, rules)
            return
        assert back(pair, rules).stage is Stage.DONE
    assert len(rows(pair.source, _TOLD)) == 9
    assert len(rows(pair.source)) == (0 if rule is Conflicts.SOURCE_WINS else 9)


@pytest.mark.parametrize("at", [Stage.PIN, Stage.COPY])
def test_the_policy_wants_writers_stopped_first_by_now(pair: Pair, at: Stage) -> None:
    pair.target.run("UPDATE items SET place = 10 WHERE id = 1")

    def breaks() -> None:
        raise TransientError("the link broke")

    with before(at, breaks), pytest.raises(TransientError):
        back(pair)
    seen: list[str] = []
    with before(Stage.FENCE, lambda: seen.extend(str(row) for row in rows(pair.source, "TABLE items"))):
        state = back(pair, _FENCE_FIRST)
    assert "(1, 1)" in seen
    assert (state.tables["public.items"].different, state.proofs) == (0, 1)
    assert _is_same(pair, state)


def test_what_cannot_go_ahead_goes_behind_and_the_others_need_not_wait(servers: Servers) -> None:
    with servers.pair(OLD, NEW) as one:
        one.run(*_TABLES, "CREATE TABLE kinds (id int PRIMARY KEY)", "INSERT INTO kinds VALUES (1), (2)")
        one.run("CREATE TABLE notes (id int PRIMARY KEY, a text)", "INSERT INTO notes VALUES (1, 'a')")
        one.source.run("ALTER TABLE notes ADD note text DEFAULT 'kept'")
        start(one)
        one.target.run("TRUNCATE kinds", "INSERT INTO kinds VALUES (3)", "UPDATE items SET place = 10 WHERE id = 1")
        one.target.run("UPDATE notes SET a = 'b'")
        seen: list[object] = []
        with before(Stage.FENCE, lambda: seen.extend(rows(one.source, _OF_ALL))):
            state = back(one)
        assert (state.stage, state.different) == (Stage.DONE, 0)
        assert seen == [(10, 2, "a")]
        assert rows(one.source, _OF_ALL) == [(10, 1, "b")]
        assert rows(one.source, "TABLE notes") == [(1, "b", "kept")]
        assert rows(one.source, "TABLE kinds") == [(3,)]


_OF_ALL = "SELECT place, (SELECT count(*) FROM kinds), (SELECT a FROM notes) FROM items WHERE id = 1"


def test_a_column_comes_meanwhile(pair: Pair) -> None:
    pair.target.run("UPDATE items SET place = 10 WHERE id = 1")

    def change() -> None:
        pair.run("ALTER TABLE items ADD kind text")
        _writes(pair, "UPDATE items SET kind = 'a' WHERE id = 3")()

    with before(Stage.FENCE, change):
        assert _is_same(pair, back(pair))


def test_a_table_is_emptied_meanwhile(pair: Pair) -> None:
    pair.target.run("UPDATE items SET place = 10 WHERE id = 1")
    with before(Stage.FENCE, lambda: pair.target.run("TRUNCATE items", "INSERT INTO items VALUES (1, 3)")):
        assert _is_same(pair, back(pair))


def test_who_stops_for_a_conflict_has_stopped_no_writer(pair: Pair) -> None:
    pair.run("UPDATE items SET place = -place WHERE id = 4")
    pair.target.run("UPDATE items SET place = 44 WHERE id = 4")
    with pytest.raises(PermanentError, match="changed on the source as well"):
        back(pair, replace(RULES, conflicts=Conflicts.STOP))
    with pair.target.connect() as target:
        assert not fenced_tables(target)
    _writes(pair, "UPDATE items SET place = 5000 WHERE id = 5")()
    assert _is_same(pair, back(pair))


_ONLY_THERE = "ALTER TABLE items ADD note text DEFAULT 'kept'"


@pytest.mark.parametrize(
    ("owner", "source", "target", "rules"),
    [
        ("keeper", "SELECT 1", "SELECT 1", _FENCE_FIRST),
        ("orderly", "SELECT 1", "SELECT 1", RULES),
        ("keeper", _ONLY_THERE, "SELECT 1", RULES),
        ("keeper", "SELECT 1", "TRUNCATE items", RULES),
        ("keeper", "TRUNCATE items", "SELECT 1", RULES),
    ],
    ids=["the policy", "foreign keys", "a column of the source", "emptied on the target", "emptied on the source"],
)
def test_where_nothing_goes_ahead(servers: Servers, owner: str, source: str, target: str, rules: SyncRules) -> None:
    with servers.pair(OLD, NEW, owner) as one:
        one.run(*_TABLES)
        start(one)
        one.source.run(source)
        one.target.run(target, "INSERT INTO items VALUES (50, 50)")
        state = back(one, rules)
        assert (state.stage, "ahead" in state.seconds) == (Stage.DONE, False)
        assert rows(one.source, "SELECT id, place FROM items ORDER BY id") == rows(
            one.target, "SELECT id, place FROM items ORDER BY id"
        )


def test_a_table_without_a_key_does_not_go_ahead(servers: Servers) -> None:
    with servers.pair(OLD, OLD) as one:
        rules = replace(RULES, keyless=Keyless.REPLACE)
        one.run("CREATE TABLE items (a int)")
        start(one, rules)
        one.target.run("INSERT INTO items VALUES (1), (1)")
        state = back(one, rules)
        assert "ahead" not in state.seconds
        assert _is_same(one, state)
