"""Promotions on fakes: forward while it is healthy, held while nobody can see, back when it is not."""

from collections.abc import Callable

import pytest

from shared.engine.fleet_switch import FleetSwitch
from shared.errors import Refused
from shared.model.change import ChangeStatus
from shared.model.run import RunKind, RunStatus, StepPhase
from shared.model.signal import measured
from tests.fakes.promoting import PROMOTION, PromotingShop, promoting_policy

_STAGES = [
    "warm",
    "smoke",
    "share:5",
    "bake:5",
    "share:25",
    "bake:25",
    "swap",
    "unshare",
    "verify",
    "bake:production",
    "confirm",
]


@pytest.fixture
def shop() -> PromotingShop:
    return PromotingShop()


def test_a_good_build_goes_forward_stage_by_stage_and_is_the_known_good_from_then_on(shop: PromotingShop) -> None:
    run = shop.end(shop.promote().id)
    assert [step.name for step in run.steps] == _STAGES
    assert run.status is RunStatus.VERIFIED
    assert (shop.slots.served, shop.split.share, shop.split.given) == ("b2", 0.0, [0.05, 0.25, 0.0])
    assert shop.found.known_good is not None
    assert (shop.found.known_good.build, shop.found.known_good.recorded_by) == ("b2", run.id)
    assert shop.found.change is not None
    assert shop.found.change.status is ChangeStatus.COMPLETED
    assert shop.found.active is None
    assert [event.kind for event in shop.events if event.about == run.id][-1] == "promoted"


def test_each_bake_takes_as_long_as_the_policy_says(shop: PromotingShop) -> None:
    run = shop.end(shop.promote().id)
    for name in ("bake:5", "bake:25", "bake:production"):
        step = run.step(name)
        assert step.started_at is not None
        assert step.ended_at is not None
        assert 60 <= (step.ended_at - step.started_at).total_seconds() <= 80


def test_a_build_that_is_bad_under_its_first_users_is_taken_back_and_never_reaches_production(
    shop: PromotingShop,
) -> None:
    shop.fails["b2"] = 0.6
    run = shop.end(shop.promote().id)
    assert run.status is RunStatus.SUPERSEDED
    assert "a rollback takes its place: roll back to level 1: error_rate" in run.outcome
    assert shop.found.active is not None
    back = shop.end(shop.found.active.id)
    assert (back.kind, back.level, back.status) == (RunKind.ROLLBACK, 1, RunStatus.VERIFIED)
    assert (shop.slots.served, shop.split.share, shop.slots.switched_at) == ("b1", 0.0, [])
    assert max(shop.split.given) == 0.25
    assert "b2" in shop.found.quarantine.builds
    assert shop.found.change is not None
    assert shop.found.change.status is ChangeStatus.ROLLED_BACK
    with pytest.raises(Refused, match="not promoted: build b2 is in quarantine"):
        shop.promote()


def test_a_build_that_is_bad_in_production_alone_is_swapped_back(shop: PromotingShop) -> None:
    run = shop.promote()
    while shop.slots.served == "b1":
        shop.pass_time(5)
    shop.fails["b2"] = 0.5
    assert shop.end(run.id).status is RunStatus.SUPERSEDED
    assert shop.found.active is not None
    assert shop.end(shop.found.active.id).status is RunStatus.VERIFIED
    assert (shop.slots.served, len(shop.slots.switched_at)) == ("b1", 2)


def test_while_nobody_can_see_it_is_held_and_goes_on_afterwards(shop: PromotingShop) -> None:
    run = shop.promote()
    while shop.split.share == 0:
        shop.pass_time(5)
    shop.sees = False
    shop.pass_time(300)
    step = shop.load(run.id).steps[-1]
    assert (step.name, step.phase) == ("bake:5", StepPhase.PENDING)
    assert "held: blind: error_rate has no measured sample" in step.note
    shop.sees = True
    assert shop.end(run.id).status is RunStatus.VERIFIED


def test_while_the_change_is_paused_it_is_held(shop: PromotingShop) -> None:
    run = shop.promote()
    while shop.split.share == 0:
        shop.pass_time(5)
    doubt = measured(shop.clock(), 3.0)
    shop.intake.samples("orders", {"migration.confidence": (doubt,)})
    shop.pass_time(300)
    assert "held: the change is paused: pause the change: confidence" in shop.load(run.id).steps[-1].note


@pytest.mark.parametrize("trouble", ["another build in the slot", "smoke"])
def test_what_fails_before_anybody_gets_it_is_refused_and_nothing_is_taken_back(
    shop: PromotingShop, trouble: str
) -> None:
    if trouble == "smoke":
        shop.smokes = False
    run = shop.promote("b3" if trouble != "smoke" else "b2")
    ended = shop.end(run.id)
    assert ended.status is RunStatus.REFUSED
    assert ended.outcome.endswith("; nobody was given the new build")
    assert (shop.split.given, shop.slots.posts, shop.found.active) == ([], [], None)
    assert shop.found.change is not None
    assert shop.found.change.status is ChangeStatus.FAILED
    assert shop.found.known_good is not None
    assert shop.found.known_good.build == "b1"


def test_while_the_fleet_is_paused_nothing_goes_back_by_itself_and_people_are_called(shop: PromotingShop) -> None:
    run = shop.promote()
    while shop.split.share == 0:
        shop.pass_time(5)
    _pause(shop)
    shop.fails["b2"] = 2.0
    ended = shop.end(run.id)
    assert ended.status is RunStatus.FAILED
    assert "level 1 does not take it back by itself: the fleet is paused" in ended.outcome
    assert ended.outcome.endswith("; people are called")
    assert shop.found.active is None


def test_a_rollback_by_hand_takes_its_place(shop: PromotingShop) -> None:
    run = shop.promote()
    while shop.split.share == 0:
        shop.pass_time(5)
    back = shop.by_hand.start("orders", 1, "customers complain", "bob")
    assert shop.load(run.id).status is RunStatus.SUPERSEDED
    assert shop.end(back.id).status is RunStatus.VERIFIED
    assert shop.split.share == 0.0


def test_a_promotion_that_is_cancelled_says_what_stays(shop: PromotingShop) -> None:
    run = shop.promote()
    while shop.split.share == 0:
        shop.pass_time(5)
    ended = shop.by_hand.cancel(run.id, "not today", "bob")
    assert (
        "promotion of build b2 cancelled: by bob: not today; what it did stays: share:5 was established"
        in ended.outcome
    )


def test_a_swap_alone_is_a_promotion_too() -> None:
    lines = [line for line in PROMOTION.splitlines() if "road: split" not in line and "steps:" not in line]
    shop = PromotingShop(promoting_policy("\n".join(lines) + "\n"))
    run = shop.end(shop.promote().id)
    assert [step.name for step in run.steps] == ["warm", "smoke", "swap", "verify", "bake:production", "confirm"]
    assert (run.status, shop.slots.served) == (RunStatus.VERIFIED, "b2")


def _blind(shop: PromotingShop) -> None:
    shop.sees = False
    shop.pass_time(120)


def _sick(shop: PromotingShop) -> None:
    shop.fails["b1"] = 0.3
    shop.pass_time(10)


def _spoil(**attributes: object) -> Callable[[PromotingShop], None]:
    def spoil(shop: PromotingShop) -> None:
        for name, value in attributes.items():
            setattr(shop, name, value)

    return spoil


def _pause(shop: PromotingShop) -> None:
    FleetSwitch(shop.ledger, shop.doorbell, shop.policies, shop.clock).pause("bob", "Azure is down")


_OBSERVING = promoting_policy(PROMOTION + "guards: {observe_only: true}\n")
_LIMITS: list[tuple[Callable[[PromotingShop], object], str]] = [
    (PromotingShop.promote, "run orders.* is under way"),
    (_blind, "nobody has seen lately which build production serves"),
    (_sick, "it is not healthy now: unhealthy: error_rate"),
    (lambda shop: shop.intake.change("orders", "migration", "b7"), "the migration of build b7 is in progress"),
    (_spoil(unready="slot last-good answers 503"), "level 1 is not ready to take it back: slot last-good answers 503"),
    (_spoil(chosen=_OBSERVING), "the policy says observe_only"),
    (_pause, "it could not go back by itself: the fleet is paused"),
    (_spoil(chosen=promoting_policy("")), "the policy says nothing of promotions"),
]


@pytest.mark.parametrize(("spoil", "reason"), _LIMITS)
def test_a_promotion_begins_only_where_it_could_go_back(
    shop: PromotingShop, spoil: Callable[[PromotingShop], object], reason: str
) -> None:
    spoil(shop)
    with pytest.raises(Refused, match=f"not promoted: {reason}"):
        shop.promote()


def test_the_known_good_is_not_promoted(shop: PromotingShop) -> None:
    with pytest.raises(Refused, match="build b1 is the known good already"):
        shop.promote("b1")
