"""Rows that differ although nobody wrote them: told apart from all others, and left or copied as the policy says."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from local.postgres import NEW, OLD
from shared.adapters.postgres.way_back.evidence import shown
from shared.adapters.postgres.way_back.sync import Stage, State, Sync
from shared.errors import PermanentError
from shared.model.policy_data import Database
from shared.model.sync import Conflicts, SyncRules
from tests.contract.postgres.pairs import Pair, Servers
from tests.contract.postgres.ways import RULES, back, rows, start
from tests.contract.postgres_corruption.planted import damage, look

_GOOD, _BAD = "good", "damaged"


@pytest.fixture(params=["keeper", "orderly"])
def pair(servers: Servers, request: pytest.FixtureRequest) -> Iterator[Pair]:
    """A way back with rows to copy, and a row on either side that was changed past all triggers."""
    with servers.pair(OLD, NEW, request.param) as one:
        one.run(
            "CREATE TABLE items (id int, place text, a text, PRIMARY KEY (id, place))",
            f"INSERT INTO items SELECT i, 'at	' || i, '{_GOOD}' FROM generate_series(1, 500) AS i",  # noqa: S608
            "CREATE TABLE notes (id int PRIMARY KEY, said text)",
            "INSERT INTO notes VALUES (1, 'one')",
        )
        start(one)
        one.target.run("UPDATE items SET a = 'written' WHERE id = 1", "DELETE FROM items WHERE id = 2")
        damage(one.target, f"UPDATE items SET a = '{_BAD}' WHERE id IN (7, 8)", "DELETE FROM items WHERE id = 9")  # noqa: S608
        yield one


def _rules(unexplained: Conflicts) -> SyncRules:
    return replace(RULES, unexplained=unexplained)


def _evidence(pair: Pair, state: State) -> dict[str, Any]:
    with pair.source.connect() as source:
        return shown(source, "sync", state)


def _values(pair: Pair) -> list[Any]:
    return [row[0] for row in rows(pair.source, "SELECT a FROM items WHERE id IN (1, 2, 7, 8, 9) ORDER BY id")]


def test_the_target_wins_by_default_and_it_is_told(pair: Pair) -> None:
    look(pair)
    state = back(pair)
    told = _evidence(pair, state)

    assert SyncRules().unexplained is Conflicts.TARGET_WINS
    assert state.stage is Stage.DONE
    assert _values(pair) == ["written", _BAD, _BAD]
    assert rows(pair.source) == rows(pair.target)
    found = told["unexplained"]["public.items"]
    assert (found["rows"], found["kept_target"], found["known_as_damaged"]) == (3, 3, 3)
    assert {"key": '7,"at\t7"', "column": "a"} in found["differences"]
    assert told["differences"] == {}
    assert told["unexplained_not_told"] == {}
    assert state.unexplained == {"public.items": 3}


def test_the_source_wins_and_both_rows_are_kept(pair: Pair) -> None:
    state = back(pair, _rules(Conflicts.SOURCE_WINS))
    found = _evidence(pair, state)["unexplained"]["public.items"]

    assert state.stage is Stage.DONE
    assert _values(pair) == ["written", _GOOD, _GOOD, _GOOD]
    assert (found["rows"], found["kept_source"], found["known_as_damaged"]) == (3, 3, 0)
    assert state.said.endswith("on both sides; 3 stay as they are on the source")
    kept = rows(pair.source, "SELECT source, target FROM rollback_controller.unexplained ORDER BY source")
    assert kept == [
        ('(7,"at\t7",good)', '(7,"at\t7",damaged)'),
        ('(8,"at\t8",good)', '(8,"at\t8",damaged)'),
        ('(9,"at\t9",good)', None),
    ]
    assert not rows(pair.source, "SELECT FROM rollback_controller.conflict")


def test_it_stops_before_any_of_them_is_copied_and_goes_on_by_another_rule(pair: Pair) -> None:
    for _ in range(2):
        with pytest.raises(PermanentError, match=r"nobody wrote them since the checkpoint: 3 of public\.items"):
            back(pair, _rules(Conflicts.STOP))
        assert _values(pair) == ["written", _GOOD, _GOOD, _GOOD]
    state = back(pair, _rules(Conflicts.SOURCE_WINS))
    assert state.stage is Stage.DONE
    assert _values(pair) == ["written", _GOOD, _GOOD, _GOOD]
    assert rows(pair.source, "SELECT DISTINCT kept FROM rollback_controller.unexplained") == [("source",)]


def test_what_the_application_wrote_is_no_damage(pair: Pair) -> None:
    """It was damaged, and then written: by its own log it goes back."""
    pair.target.run("UPDATE items SET a = 'repaired' WHERE id = 7")
    pair.source.run("UPDATE items SET a = 'on the source' WHERE id = 8")
    state = back(pair, replace(_rules(Conflicts.SOURCE_WINS), conflicts=Conflicts.SOURCE_WINS))
    assert _values(pair) == ["written", "repaired", "on the source", _GOOD]
    assert state.unexplained == {"public.items": 1}


_SWITCHED = (
    "ALTER TABLE items DISABLE TRIGGER rollback_controller_log_update;"
    "ALTER TABLE items ENABLE ALWAYS TRIGGER rollback_controller_log_update"
)
_BEFORE, _SINCE = "DELETE FROM items WHERE id = 100", "ALTER TABLE items ALTER a TYPE varchar(90)"


def _with_damage(pair: Pair, before: str = "", since: str = "") -> State:
    """One row is damaged; something else was so before the checkpoint, or has happened since."""
    pair.run(
        "CREATE TABLE items (id int PRIMARY KEY, a text)",
        "INSERT INTO items SELECT i FROM generate_series(1, 200) i",
    )
    pair.target.run(*filter(None, [before]))
    start(pair)
    with pair.target.connect() as target:
        target.execute(since.encode())
    damage(pair.target, f"UPDATE items SET a = '{_BAD}' WHERE id = 7")  # noqa: S608
    return back(pair, _rules(Conflicts.SOURCE_WINS))


def test_where_it_cannot_be_told_the_target_wins_and_why_is_said(servers: Servers) -> None:
    with servers.pair(OLD, OLD) as pair:
        state = _with_damage(pair, since=_SWITCHED)
        assert "its triggers were switched" in state.not_told["public.items"]
        assert state.unexplained == {}
        assert rows(pair.source) == rows(pair.target)


@pytest.mark.parametrize(("before", "since", "odd"), [(_BEFORE, "", 2), ("", _SINCE, 1)], ids=["before", "retyped"])
def test_what_differed_before_or_has_another_type_now_is_told_all_the_same(
    servers: Servers, before: str, since: str, odd: int
) -> None:
    with servers.pair(OLD, OLD) as pair:
        state = _with_damage(pair, before, since)
        assert (state.not_told, state.unexplained) == ({}, {"public.items": odd})
        assert rows(pair.source, "SELECT count(*) FROM items WHERE a IS NULL") == [(200,)]


def test_the_policy_says_it() -> None:
    said = {"source": "a", "target": "b", "unexplained": "stop"}
    assert Database.model_validate(said).sync_rules.unexplained is Conflicts.STOP


def test_one_way_back_at_a_time(pair: Pair) -> None:
    """Nobody else has the lock when it ends, however it does."""
    with pytest.raises(PermanentError), ThreadPoolExecutor(3) as pool:
        Sync("sync", "no such", pair.source.access, pair.target.access, RULES, pool).work(9)
    with pair.source.connect("keeper") as side:
        assert not side.execute("SELECT FROM pg_locks WHERE locktype = 'advisory'").fetchall()
