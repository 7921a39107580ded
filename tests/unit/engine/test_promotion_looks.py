"""The looks at production before and after the last bake: what is seen ends a promotion, what is not seen holds it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from shared.engine.advance import Runs
from shared.engine.change_control import ChangeControl
from shared.engine.levels import Steps
from shared.errors import PermanentError, TransientError
from shared.model.command import Fail
from shared.model.event import EventKind
from shared.model.policy import Policy
from shared.model.policy_verify import CheckBase, ClientCheck, GetCheck
from shared.model.run import Run, RunKind, RunStatus
from shared.ports import Checker, CheckResult, Expected
from tests.fakes.at_once import AtOnce
from tests.fakes.clients import FakeClients
from tests.fakes.promoting import PROMOTION, PromotingShop, SlotChecker, promoting_policy

_LONG_S = 1800
_Answer = Callable[[FakeClients, Policy, ClientCheck, Expected], CheckResult]


def _seen(clients: FakeClients, policy: Policy, check: ClientCheck, expected: Expected) -> CheckResult:
    return clients.check(policy, check, expected)


def _raises(error: type[Exception], said: str) -> _Answer:
    def answer(*_: object) -> CheckResult:
        raise error(said)

    return answer


def _says(passed: bool | None, *, unanswered: bool = False) -> _Answer:
    return lambda *_: CheckResult(passed=passed, note=f"says {passed}", unanswered=unanswered)


@dataclass(slots=True)
class _Clients:
    """Fulfils `ports.Checker[ClientCheck]`: sees what is served, or what a test chose."""

    clients: FakeClients
    answer: _Answer

    def check(self, policy: Policy, check: ClientCheck, expected: Expected) -> CheckResult:
        return self.answer(self.clients, policy, check, expected)


@dataclass(slots=True)
class LookedAtShop(PromotingShop):
    """What its clients see outside is for a test to say."""

    outside: _Answer = _seen

    @property
    def engine(self) -> Runs:
        slot = SlotChecker(lambda: self.slots.other, lambda: self.smokes)
        clients = _Clients(FakeClients(lambda: self.slots.served), self.outside)
        checkers: dict[type[CheckBase], Checker[Any]] = {ClientCheck: clients, GetCheck: slot}
        steps = Steps.of_level(self.slots, {"slot_traffic": self.split}, checkers, AtOnce(), self.ledger, self.seen)
        return Runs(self.ledger, self.doorbell, steps, lambda _: self.chosen, self.clock)


@pytest.fixture
def shop() -> LookedAtShop:
    return LookedAtShop()


def at(shop: PromotingShop, stage: str) -> Run:
    run = shop.promote()
    while shop.load(run.id).steps[-1].name != stage:
        shop.pass_time(5)
    return shop.load(run.id)


def held_in(shop: PromotingShop, run: Run, stage: str) -> bool:
    found = shop.load(run.id)
    return (found.status, found.steps[-1].name, shop.slots.served) == (RunStatus.RUNNING, stage, "b2")


def told(shop: PromotingShop) -> list[str]:
    return [event.sentence for event in shop.events if event.kind is EventKind.HELD]


_UNSEEN: dict[str, tuple[_Answer, bool, str]] = {
    "our network": (_raises(TransientError, "no connection from here"), False, "no connection from here"),
    "a role is missing": (_raises(PermanentError, "403"), True, "403"),
    "a bug of ours": (_raises(ValueError, "a secret"), True, "unexpected trouble of our own"),
    "no answer": (_says(passed=False, unanswered=True), True, "says False"),
    "caches alone": (_says(passed=None), True, "0 of 0 checks passed"),
}


@pytest.mark.long
@pytest.mark.parametrize("way", _UNSEEN)
@pytest.mark.parametrize("stage", ["verify", "confirm"])
def test_looks_that_see_nothing_hold_it_for_as_long_as_that_lasts_and_people_are_told_once(
    shop: LookedAtShop, stage: str, way: str
) -> None:
    run = at(shop, stage)
    shop.outside, shop.sees, why = _UNSEEN[way]
    shop.pass_time(500)
    assert (held_in(shop, run, stage), told(shop)) == (True, [])
    shop.pass_time(_LONG_S)
    assert held_in(shop, run, stage)
    (sentence,) = told(shop)
    assert sentence.startswith(f"promotion of build b2 is held in {stage}: ")
    assert why in sentence
    assert "; it has not been healthy for 10 min, and goes on when it is" in sentence
    shop.outside, shop.sees = _seen, True
    ended = shop.end(run.id)
    assert (ended.status, len(told(shop))) == (RunStatus.VERIFIED, 1)


def test_a_look_that_is_held_is_taken_as_seldom_as_a_bake_is(shop: LookedAtShop) -> None:
    run = at(shop, "confirm")
    shop.outside = _raises(TransientError, "no connection from here")
    shop.pass_time(120)
    step = shop.load(run.id).steps[-1]
    assert step.not_before is not None
    assert timedelta(seconds=5) <= step.not_before - shop.clock() <= timedelta(seconds=10)


@pytest.mark.parametrize("stage", ["verify", "confirm"])
def test_what_is_seen_to_be_bad_for_long_ends_it(shop: LookedAtShop, stage: str) -> None:
    run = at(shop, stage)
    began = shop.clock()
    shop.outside = _says(passed=False)
    ended = shop.end(run.id)
    assert ended.status is RunStatus.FAILED
    assert f"{stage}: after 300 s of bad looks 0 of 3 checks passed; promoted.fresh: says False" in ended.outcome
    assert timedelta(seconds=290) <= shop.clock() - began <= timedelta(seconds=320)
    assert shop.found.active is not None
    back = shop.load(shop.found.active.id)
    assert (back.kind, back.level) == (RunKind.ROLLBACK, 1)


def test_a_bad_look_after_a_time_without_any_says_nothing_of_that_time(shop: LookedAtShop) -> None:
    run = at(shop, "confirm")
    shop.outside = _says(passed=False, unanswered=True)
    shop.pass_time(3600)
    shop.outside = _says(passed=False)
    shop.pass_time(240)
    assert held_in(shop, run, "confirm")
    shop.outside = _seen
    assert shop.end(run.id).status is RunStatus.VERIFIED


def test_a_worker_that_was_away_has_not_seen_it_bad_meanwhile(shop: LookedAtShop) -> None:
    run = at(shop, "confirm")
    shop.outside = _says(passed=False)
    shop.pass_time(20)
    shop.clock.forward(3600)
    shop.pass_time(60)
    assert held_in(shop, run, "confirm")


def _some_see_another_build(
    clients: FakeClients, policy: Policy, check: ClientCheck, expected: Expected
) -> CheckResult:
    return _says(passed=False, unanswered=check.client.value != "fresh")(clients, policy, check, expected)


def test_one_check_that_was_answered_and_failed_is_enough(shop: LookedAtShop) -> None:
    run = at(shop, "confirm")
    shop.outside = _some_see_another_build
    assert shop.end(run.id).status is RunStatus.FAILED


# What the watch sees and what people say ends it as it ends a bake, whatever the looks see.

_ASKS = promoting_policy(PROMOTION.replace("roads: [split, slot_swap]}}", "roads: [split, slot_swap], approval: {}}}"))


@pytest.mark.parametrize("stage", ["verify", "confirm"])
def test_a_site_that_really_is_down_ends_it_although_nothing_answers(shop: LookedAtShop, stage: str) -> None:
    shop.chosen = _ASKS  # so that the watch does not begin the rollback by itself
    run = at(shop, stage)
    shop.outside = _says(passed=False, unanswered=True)
    shop.fails["b2"] = 1.0
    ended = shop.end(run.id, within_s=120)
    assert ended.status is RunStatus.FAILED
    assert f"{stage}: error_rate" in ended.outcome


def test_a_change_that_is_given_up_ends_it_although_nothing_answers(shop: LookedAtShop) -> None:
    run = at(shop, "confirm")
    shop.outside = _says(passed=False, unanswered=True)
    ChangeControl(shop.ledger, shop.doorbell, shop.policies, shop.clock).obey(
        "orders", Fail(reason="journeys broken"), "a pipeline"
    )
    ended = shop.end(run.id, within_s=60)
    assert "confirm: the deployment of build b2 failed by a pipeline: journeys broken" in ended.outcome


def test_what_the_watch_sees_swapped_back_ends_the_last_look_although_nothing_answers_that(shop: LookedAtShop) -> None:
    run = at(shop, "confirm")
    shop.outside = _says(passed=False, unanswered=True)
    shop.slots.production, shop.slots.slot = "b1", "b2"
    ended = shop.end(run.id, within_s=120)
    assert "confirm: production serves build b1, not b2" in ended.outcome


def test_a_rollback_gives_up_at_its_deadline_whether_or_not_anything_answers(shop: LookedAtShop) -> None:
    shop.slots.production, shop.slots.slot = "b2", "b1"
    shop.outside = _says(passed=False, unanswered=True)
    back = shop.end(shop.by_hand.start("orders", 1, "customers complain", "bob").id, within_s=300)
    assert back.status is RunStatus.FAILED
    looked = back.step("verify:1")
    assert looked.note.startswith("after 25 s 0 of 4 checks passed; ")
    assert looked.give_up_at is not None
    assert looked.ended_at == looked.give_up_at
