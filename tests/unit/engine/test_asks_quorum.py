"""Who counts: different people, each once, in whatever order and also in the same instant."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.engine.records import Snapshot
from shared.errors import Refused
from shared.model.ask import Ask, AskStatus
from shared.model.caller import Proof
from shared.model.policy_approval import Approval
from shared.ports import Write
from tests.fakes.interrupted import Interrupted
from tests.unit.engine.asked import ANN, BOB, Asked, approver

TWO = Approval(quorum=2)


@pytest.fixture
def asked() -> Asked:
    return Asked()


def test_an_approver_counts_once(asked: Asked) -> None:
    asked.warned = TWO
    ask = asked.ask()
    assert asked.asks.approve(ask.id, ANN, ask.digest).missing == 1
    with pytest.raises(Refused, match=r"^not approved: ann approved it already at 12:00:00 UTC \(1 of 2\)$"):
        asked.asks.approve(ask.id, ANN, ask.digest)
    renamed = replace(ANN, name="ann-marie", proof=Proof.EASY_AUTH)
    with pytest.raises(Refused, match="already"):
        asked.asks.approve(ask.id, renamed, ask.digest)
    assert not asked.begun(ask)
    asked.asks.approve(ask.id, BOB, ask.digest)
    assert asked.begun(ask)


def test_two_approvers_at_the_same_instant_both_count(asked: Asked) -> None:
    asked.warned = TWO
    ask = asked.ask()
    other = asked.asks
    interrupted = Interrupted(asked.ledger, lambda: other.approve(ask.id, BOB, ask.digest))
    ended = replace(asked.asks, ledger=interrupted).approve(ask.id, ANN, ask.digest)
    assert [one.by for one in ended.given] == ["bob", "ann"]
    assert ended.status is AskStatus.APPROVED
    assert asked.runs == 1


def test_one_approver_twice_at_the_same_instant_counts_once(asked: Asked) -> None:
    asked.warned = TWO
    ask = asked.ask()
    other = asked.asks
    interrupted = Interrupted(asked.ledger, lambda: other.approve(ask.id, ANN, ask.digest))
    with pytest.raises(Refused, match="already"):
        replace(asked.asks, ledger=interrupted).approve(ask.id, ANN, ask.digest)
    assert len(asked.open.given) == 1


def test_whoever_comes_after_the_last_approval_is_told_that_and_not_that_it_stands_in_its_own_way(asked: Asked) -> None:
    ask, others = asked.ask(), iter([BOB])

    def start_late(ask: Ask, why: str, _found: Snapshot) -> Sequence[Write]:
        for other in others:
            asked.asks.approve(ask.id, other, ask.digest)
        return asked.asking.start(ask, why, asked.found)

    late = replace(asked.asks, asking=replace(asked.asking, start=start_late))
    with pytest.raises(Refused, match=r"^it is over: approved by bob \(1 of 1\)$"):
        late.approve(ask.id, ANN, ask.digest)
    assert asked.runs == 1


def test_a_crowd_in_the_same_instant_begins_it_once(asked: Asked) -> None:
    """Ten people press at once, each of them twice; it takes six."""
    asked.warned = Approval(quorum=6)
    ask = asked.ask()

    def press(number: int) -> str:
        try:
            return asked.asks.approve(ask.id, approver(f"p{number % 10}"), ask.digest).status.value
        except Refused as error:
            return str(error)

    with ThreadPoolExecutor(20) as pool:
        said = list(pool.map(press, range(20)))
    assert said.count("approved") == 1
    assert said.count("open") == 5
    assert len({one.by_id for one in asked.over(ask).given}) == 6
    assert asked.runs == 1


def test_whoever_comes_after_a_rejection_in_the_same_instant_begins_nothing(asked: Asked) -> None:
    ask = asked.ask()
    other = asked.asks
    interrupted = Interrupted(asked.ledger, lambda: other.reject(ask.id, BOB, "it is the network"))
    with pytest.raises(Refused, match=r"^it is over: rejected by bob: it is the network$"):
        replace(asked.asks, ledger=interrupted).approve(ask.id, ANN, ask.digest)
    assert asked.runs == 0


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=12), st.integers(1, 3))
def test_it_begins_exactly_when_enough_different_people_approved(pressed: list[tuple[int, bool]], quorum: int) -> None:
    """In any order, with doubles and stale digests among them."""
    asked = Asked(warned=Approval(quorum=quorum))
    ask = asked.ask()
    fresh: set[int] = set()
    for number, stale in pressed:
        with suppress(Refused):
            asked.asks.approve(ask.id, approver(f"p{number}"), "0" * 64 if stale else ask.digest)
        fresh |= set() if stale or len(fresh) >= quorum else {number}
        assert asked.begun(ask) == (len(fresh) >= quorum)
    assert asked.runs == (1 if len(fresh) >= quorum else 0)
