"""What happens on the clock when nobody answers."""

from dataclasses import replace

import pytest

from shared.errors import LostRace
from shared.model.ask import AskStatus
from shared.model.policy_approval import Approval, OnExpiry
from shared.model.trigger import TriggerState, Verdict
from tests.fakes.interrupted import Interrupted
from tests.unit.engine.asked import ANN, QUIET, WARNING, Asked

BY = "nobody answered by 2026-03-01 12:10:00 UTC"


def waiting(on_expiry: OnExpiry, level: int = 1) -> Asked:
    rule = Approval(on_expiry=on_expiry)
    return Asked(warned=rule, own={level: rule})


def test_nothing_happens_before_the_time_is_over() -> None:
    asked = waiting(OnExpiry.ACT)
    asked.ask()
    asked.clock.forward(599.999)
    assert asked.sweep() == []


def test_hold_does_nothing() -> None:
    asked = waiting(OnExpiry.HOLD)
    ask = asked.ask()
    asked.clock.forward(600)
    asked.sweep()
    assert asked.over(ask).status is AskStatus.EXPIRED
    assert asked.told[-1] == f"{BY}: nothing is done, as the policy says"
    assert (asked.runs, asked.current) == (0, None)


def test_act_begins_what_was_asked_for() -> None:
    asked = waiting(OnExpiry.ACT)
    ask = asked.ask()
    asked.clock.forward(600)
    asked.sweep()
    assert asked.begun(ask)
    assert asked.over(ask).sentence == f"{BY}: it is done all the same, as the policy says; {WARNING}"


def test_one_of_two_approvals_is_told() -> None:
    asked = Asked(warned=Approval(quorum=2))
    ask = asked.ask()
    asked.asks.approve(ask.id, ANN, ask.digest)
    asked.clock.forward(600)
    asked.sweep()
    assert asked.told[-1] == "1 of 2 approved by 2026-03-01 12:10:00 UTC: nothing is done, as the policy says"


@pytest.mark.parametrize("does", [OnExpiry.ACT, OnExpiry.CLIMB])
@pytest.mark.parametrize(
    ("state", "verdict", "why"),
    [
        (TriggerState.INACTIVE, Verdict.HEALTHY, "it is healthy by now"),
        (TriggerState.INACTIVE, Verdict.BLIND, "nobody can see whether it is still bad"),
    ],
)
def test_only_what_is_seen_to_be_bad_is_done_unasked(
    does: OnExpiry, state: TriggerState, verdict: Verdict, why: str
) -> None:
    asked = waiting(does)
    ask = asked.ask()
    asked.see(state, verdict, QUIET)
    asked.clock.forward(600)
    asked.sweep()
    assert asked.over(ask).sentence == f"{BY}: nothing is done, because {why}: {QUIET}"
    assert (asked.runs, asked.current) == (0, None)


def test_what_must_not_begin_is_not_begun_and_said() -> None:
    asked = waiting(OnExpiry.ACT)
    ask = asked.ask()
    asked.why_not = "the policy says observe_only"
    asked.clock.forward(600)
    asked.sweep()
    assert asked.over(ask).sentence.endswith("; it was not begun: the policy says observe_only")
    assert asked.runs == 0


def test_climb_begins_the_next_level_when_that_asks_nobody() -> None:
    asked = waiting(OnExpiry.CLIMB)
    ask = asked.ask()
    asked.clock.forward(600)
    asked.sweep()
    assert asked.over(ask).sentence == f"{BY}: the next level takes up, as the policy says; {WARNING}"
    (row,) = asked.ledger.scan("orders", "run:")
    assert '"level":2' in row.body
    assert asked.current is None


def test_climb_asks_for_the_next_level_when_that_takes_people() -> None:
    asked = waiting(OnExpiry.CLIMB, level=2)
    lower = asked.ask(2, by=ANN)
    asked.clock.forward(600)
    asked.sweep()
    higher = asked.open
    assert (higher.level, higher.four_eyes, higher.requested_by_id) == (3, True, ANN.id)
    assert higher.id != lower.id
    assert higher.cause.startswith("nobody answered for level 2: users cannot pay")
    assert asked.over(lower).status is AskStatus.EXPIRED
    assert asked.runs == 0


def test_climb_from_the_highest_level_calls_people() -> None:
    asked = waiting(OnExpiry.CLIMB, level=3)
    ask = asked.ask(3)
    asked.clock.forward(600)
    asked.sweep()
    assert asked.over(ask).sentence.endswith("; there is no level above: people are called")


def test_four_eyes_are_never_done_without() -> None:
    asked = waiting(OnExpiry.ACT, level=3)
    ask = asked.ask(3)
    asked.clock.forward(600)
    asked.sweep()
    assert asked.over(ask).sentence == f"{BY}: nothing is done, because level 3 takes people"


def test_a_default_and_an_approval_in_the_same_instant_begin_it_once() -> None:
    asked = waiting(OnExpiry.ACT)
    ask = asked.ask()
    asked.clock.forward(599.9)
    found, then = asked.found, asked.asking
    asked.clock.forward(0.2)
    writes = then.sweep(asked.policy, found, ask)
    asked.clock.forward(-0.2)
    asked.ledger = Interrupted(asked.ledger, lambda: asked.asks.approve(ask.id, ANN, ask.digest))
    with pytest.raises(LostRace):
        asked.ledger.commit("orders", writes)
    assert asked.runs == 1
    assert asked.over(ask).status is AskStatus.APPROVED


def test_a_rollback_that_begins_otherwise_ends_the_question() -> None:
    asked = Asked()
    ask = asked.ask()
    writes = asked.asking.beside(asked.found, ask.level, "a critical trigger fired: rolled back unasked")
    asked.ledger.commit("orders", writes)
    assert asked.over(ask).status is AskStatus.SUPERSEDED
    assert asked.told[-1] == "a critical trigger fired: rolled back unasked"


def test_channels_of_the_rule_are_asked_in_place_of_those_that_are_notified() -> None:
    asked = Asked(warned=Approval(to=("webhook:oncall", "webhook:lead")))
    asked.ask()
    assert {one.channel for one in asked.deliveries} == {"webhook:oncall", "webhook:lead"}


def test_a_question_asked_meanwhile_is_not_overwritten() -> None:
    asked = Asked()
    found = asked.found
    asked.ask()
    writes = asked.asking.ask(asked.policy, found, None, replace(asked.wanted(), id="orders.20260301T120000000001"))
    with pytest.raises(LostRace):
        asked.ledger.commit("orders", writes)
