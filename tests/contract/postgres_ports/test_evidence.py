"""What a way back shows for itself: all decisions, by name, and nothing of what rows hold."""

import json
from typing import Any

import pytest

from shared.adapters.postgres.way_back.listing import conflicts_on, unexplained_on
from shared.adapters.postgres.way_back.stages import Stages
from shared.errors import PermanentError
from tests.contract.postgres_corruption.planted import damage
from tests.contract.postgres_ports.moved import Moved

_NEVER = {"never": {"query": "SELECT 1 AS one", "expect": "2"}}


def _stopped(shop: Moved, **policy: Any) -> None:
    with pytest.raises(PermanentError, match="the rule never expects"):
        shop.work(rules=_NEVER, **policy)
    shop.let_go()


def test_conflicts_that_were_decided_by_two_rules_are_both_counted(shop: Moved) -> None:
    shop.begin()
    shop.pair.run("UPDATE items SET a = current_database() WHERE id IN (1, 2)")
    _stopped(shop, conflicts="target_wins")
    shop.pair.run("UPDATE items SET a = current_database() || ' again' WHERE id = 5")
    shop.work(conflicts="source_wins")
    assert shop.look().shown["conflicts"] == {"public.items": {"rows": 3, "kept_target": 2, "kept_source": 1}}


def test_rows_that_nobody_wrote_and_two_rules_decided_are_both_counted(shop: Moved) -> None:
    shop.begin()
    damage(shop.pair.target, "UPDATE items SET a = 'odd' WHERE id = 7")
    _stopped(shop, unexplained="source_wins")
    damage(shop.pair.target, "UPDATE items SET a = 'odd' WHERE id IN (8, 9)")
    shop.work(unexplained="target_wins")
    found = shop.look().shown["unexplained"]["public.items"]
    assert (found["kept_source"], found["kept_target"], found["known_as_damaged"]) == (1, 2, 0)


def test_no_value_of_a_row_is_shown_and_both_can_be_read_on_the_source(
    shop: Moved, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One row differs that nobody wrote, one was changed on both sides, one by somebody after it was copied."""
    settle, late = Stages._settle, ["UPDATE items SET a = 'hunter3' WHERE id = 3"]

    def meanwhile(self: Stages, *given: Any) -> Any:
        shop.pair.source.run(*late)
        late.clear()
        return settle(self, *given)

    monkeypatch.setattr(Stages, "_settle", meanwhile)
    shop.begin()
    damage(shop.pair.target, "UPDATE items SET a = 'hunter1' WHERE id = 1")
    shop.pair.run("UPDATE items SET a = 'hunter2 ' || current_database() WHERE id = 2")
    shop.pair.target.run("UPDATE items SET a = 'hunter4' WHERE id = 3")
    shop.work(conflicts="target_wins", unexplained="target_wins")
    seen = shop.look()
    assert seen.proved
    assert seen.shown["differences"]["public.items"]["rows"] == [{"key": "3", "column": "a"}]
    assert seen.shown["unexplained"]["public.items"]["differences"] == [{"key": "1", "column": "a"}]
    assert "hunter" not in json.dumps(seen.shown, default=str) + seen.says
    with shop.pair.source.connect("keeper") as source:
        both, odd = conflicts_on(source, "sync") or [], unexplained_on(source, "sync") or []
    assert [(one.key, one.kept) for one in (*both, *odd)] == [("2", "target"), ("3", "target"), ("1", "target")]
    assert all("hunter" in f"{one.target}" for one in (*both, *odd))


def test_rows_that_lead_nowhere_are_not_shown_where_they_have_no_key(shop: Moved) -> None:
    shop.pair.run("CREATE TABLE loose (item int, secret text)", "INSERT INTO loose VALUES (19, 'hunter2')")
    shop.pair.source.run("ALTER TABLE loose ADD FOREIGN KEY (item) REFERENCES items")
    shop.begin(keyless="replace")
    shop.pair.target.run("DELETE FROM items WHERE id = 19")
    with pytest.raises(PermanentError, match=r"^public\.loose: 1 rows of loose_item_fkey lead nowhere$"):
        shop.work(keyless="replace")
