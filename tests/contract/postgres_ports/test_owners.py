"""Whose fence it is, and rules that could never run."""

import pytest

from shared.model.sync import Severity
from tests.contract.postgres_ports.moved import Moved

_FIRST, _SECOND = "run1:shop", "run2:shop"


def slices(shop: Moved, sync: str, times: int = 1) -> None:
    for _ in range(times):
        shop.rows.work(shop.policy(), "change", sync, lambda: None)


def test_only_who_put_a_fence_up_lets_writers_in(shop: Moved) -> None:
    shop.begin()
    assert shop.rows.fenced_by(shop.policy()) == ""
    slices(shop, _FIRST)
    assert shop.rows.fenced_by(shop.policy()) == _FIRST
    shop.rows.let_go(shop.policy(), _SECOND, lambda: pytest.fail("it was about to lower another's"))
    assert shop.rows.fenced_by(shop.policy()) == _FIRST
    shop.rows.let_go(shop.policy(), _FIRST, lambda: None)
    assert shop.rows.fenced_by(shop.policy()) == ""


def test_a_later_way_back_takes_a_fence_over(shop: Moved) -> None:
    shop.begin()
    slices(shop, _FIRST)
    slices(shop, _SECOND)
    assert shop.rows.fenced_by(shop.policy()) == _SECOND
    assert not shop.rows.look(shop.policy(), _FIRST).fenced


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("SELECT count(*) FROM orderz", 'relation "orderz" does not exist'),
        ("SELECT colour FROM items", 'column "colour" does not exist'),
        ("SELECT count(* FROM items", "syntax error"),
    ],
)
def test_a_rule_that_cannot_run_stands_against_a_checkpoint(shop: Moved, query: str, says: str) -> None:
    begun = shop.begin(rules={"whole": {"query": query, "expect": "0"}})
    assert begun.taken_at is None
    (found,) = (one for one in begun.findings if one.severity is Severity.BLOCKS)
    assert found.about == "rule whole"
    assert says in found.what
