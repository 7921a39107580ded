"""What nobody answered is begun, held or asked again, by what the watch sees at that very moment."""

from datetime import timedelta

import pytest

from shared.engine.fleet import FLEET, PAUSE
from shared.engine.records import ACTIVE, Active, encode, run_key
from shared.errors import Refused, TransientError
from shared.model.ask import AskStatus
from shared.model.budget import Budget
from shared.ports import Put
from tests.fakes.policies import policy
from tests.unit.engine.conftest import Engine
from tests.unit.engine.test_people_are_asked import ANN, BOB, CHO, ask_for, over, question, running

_BAD = 0.31
_ERRORS = "    - {name: errors, when: error_rate > 5%,"
_WARNING = (f"  critical:\n{_ERRORS}", f"  warning:\n{_ERRORS}")
_LEVEL_2 = "roads: {split: {slot_traffic: last-good}}\nlevels: {1: {}, 2: {roads: [split]%s}}\nnotify:"


def acting(rule: str = "", guards: str = "") -> tuple[tuple[str, str], tuple[str, str]]:
    return _WARNING, ("notify:", f"approvals: {{warning: {{on_expiry: act, ttl: 1m{rule}}}}}\n{guards}notify:")


@pytest.fixture
def people(guarded: Engine) -> Engine:
    guarded.asks_people = True
    guarded.policies["orders"] = policy(*acting())
    return guarded


def test_an_outage_is_not_acted_on_when_it_is_over(people: Engine) -> None:
    """What fired an hour ago is no reason to act now: the first look after it decides."""
    people.cycles(_BAD, 4)
    ask = question(people)
    people.clock.forward(3600)
    people.cycles(0.0, 1)
    assert people.snapshot().active is None
    assert "nothing is done, because" in over(people, ask.id).sentence


def test_what_is_healthy_in_the_very_cycle_of_the_default_is_not_begun(people: Engine) -> None:
    people.cycles(_BAD, 4)
    ask = question(people)
    while people.clock() < ask.expires_at:
        people.cycles(_BAD, 1)
    assert people.snapshot().ask == ask
    people.cycles(0.0, 1)
    assert people.snapshot().active is None
    assert "nothing is done, because it is healthy by now" in over(people, ask.id).sentence


def test_too_few_approvals_are_none(people: Engine) -> None:
    """One of two is held to all that a start by itself is held to; two of two overrule it."""
    people.policies["orders"] = policy(*acting(", quorum: 2", "guards: {observe_only: true}\n"))
    people.cycles(_BAD, 4)
    ask = question(people)
    people.asks.approve(ask.id, BOB, ask.digest)
    people.cycles(_BAD, 7)
    assert people.snapshot().active is None
    assert over(people, ask.id).sentence.endswith("; it was not begun: the policy says observe_only")
    again = question(people)
    for approver in (BOB, CHO):
        people.asks.approve(again.id, approver, again.digest)
    assert running(people).id == again.id


def test_what_was_bad_before_the_change_is_not_taken_back_by_default(people: Engine) -> None:
    people.source.build_seen = "b1"
    people.intake.change("orders", "deployment", "b1")
    people.intake.known_good("orders", "b1", "ann")
    people.cycles(_BAD, 4)
    ask = question(people)
    people.intake.change("orders", "deployment", "b2", "b1")
    people.source.build_seen = "b2"
    people.cycles(_BAD, 7)
    assert people.snapshot().active is None
    assert "it was not begun: it was already bad before the change" in over(people, ask.id).sentence


def test_a_start_that_nobody_approved_claims_the_fleets_budget(people: Engine) -> None:
    people.fleet_budget = Budget(1, timedelta(hours=1))
    assert people.fleet.claim("other", people.clock(), None) is None
    people.cycles(_BAD, 4)
    ask = question(people)
    people.cycles(_BAD, 7)
    assert people.snapshot().active is None
    assert "; it was not begun: the fleet's budget of 1 per 1h is used up" in over(people, ask.id).sentence
    assert question(people).id != ask.id


def test_it_uses_its_claim_whoever_asked(people: Engine) -> None:
    """By the budget of the workload, too: else the claim would be taken for one that came to nothing."""
    people.policies["orders"] = policy(("notify:", _LEVEL_2 % ", approval: {on_expiry: act, ttl: 1m}"))
    ask = ask_for(people, 2)
    people.cycles(0.0, 8)
    assert running(people).id == ask.id
    assert len(people.snapshot().starts.at) == 1
    assert people.fleet.view()["started"] == [{"at": running(people).created_at, "workload": "orders"}]


def test_what_was_approved_claims_nothing(people: Engine) -> None:
    people.cycles(_BAD, 4)
    ask = question(people)
    people.asks.approve(ask.id, BOB, ask.digest)
    assert people.fleet.view()["started"] == []


_SILENCE = "nobody answered by 2026-03-01 12:01:00 UTC"


def test_a_level_that_is_gone_is_not_begun_and_the_watch_goes_on(people: Engine) -> None:
    people.policies["orders"] = policy(("notify:", _LEVEL_2 % ", approval: {on_expiry: act, ttl: 1m}"))
    ask = ask_for(people, 2)
    people.policies["orders"] = policy()
    people.cycles(0.0, 8)
    said = f"{_SILENCE}: nothing is done, because the policy has no level 2 any more"
    assert over(people, ask.id).sentence == said
    people.cycles(_BAD, 4)
    assert running(people).level == 1


def test_a_fleet_that_cannot_be_read_lets_nothing_begin_and_the_watch_go_on(people: Engine) -> None:
    people.cycles(_BAD, 4)
    ask = question(people)
    people.ledger.commit(FLEET, [Put(PAUSE, '{"x": 1}')])
    people.cycles(_BAD, 7)
    assert "it was not begun: the fleet's own record is of no use" in over(people, ask.id).sentence


def test_a_run_that_cannot_be_read_lets_nothing_begin(people: Engine) -> None:
    """The cycle fails, as always with such a run, but it has been saved, with the end of the question."""
    people.policies["orders"] = policy(("notify:", _LEVEL_2 % ", approval: {on_expiry: act, ttl: 1m}"))
    ask = ask_for(people, 2)
    broken = "orders.20260301T115900000000"
    people.ledger.commit("orders", [Put(ACTIVE, encode(Active(broken))), Put(run_key(broken), "{}")])
    people.clock.forward(61)
    with pytest.raises(TransientError, match="cancel it to free the workload"):
        people.cycles(0.0, 1)
    assert "it was not begun: a stored Run cannot be read" in over(people, ask.id).sentence
    assert people.snapshot().watch.cycled_at == people.clock()


def test_what_cannot_begin_any_more_is_not_approved_either(people: Engine) -> None:
    people.policies["orders"] = policy(("notify:", _LEVEL_2 % ", approval: {ttl: 1m}"))
    ask = ask_for(people, 2)
    people.policies["orders"] = policy()
    with pytest.raises(Refused, match="not approved: the policy has no level 2 any more; it can only be withdrawn"):
        people.asks.approve(ask.id, BOB, ask.digest)
    assert people.asks.withdraw(ask.id, ANN).status is AskStatus.WITHDRAWN


@pytest.mark.parametrize("to", ["hold", "act"])
def test_another_policy_is_asked_about_anew_and_never_acted_on_unasked(people: Engine, to: str) -> None:
    people.cycles(_BAD, 4)
    ask = question(people)
    rule = f"approvals: {{warning: {{on_expiry: {to}, ttl: 2m, quorum: 2}}}}\nnotify:"
    people.policies["orders"] = policy(_WARNING, ("notify:", rule))
    people.cycles(_BAD, 7)
    again = question(people)
    assert people.snapshot().active is None
    assert (again.id, again.on_expiry, again.quorum) == (ask.id, to, 2)
    assert again.expires_at - again.asked_at == timedelta(minutes=2)
    assert again.digest != ask.digest
    said = people.events()[-1].sentence
    assert "and the policy has changed: it is asked again; may a level 1 rollback to build b1 begin?" in said
    people.cycles(_BAD, 13)
    assert (people.snapshot().active is None) == (to == "hold")


def test_another_known_good_is_asked_about_anew(people: Engine) -> None:
    people.cycles(_BAD, 4)
    people.intake.known_good("orders", "b0", "ann")
    people.cycles(_BAD, 7)
    assert people.snapshot().active is None
    assert question(people).build == "b0"
    assert "may a level 1 rollback to build b0 begin?" in question(people).sentence
    people.cycles(_BAD, 7)
    assert running(people).known_good == "b0"
