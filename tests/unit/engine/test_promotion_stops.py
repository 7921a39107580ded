"""What ends a promotion badly, and what merely holds it: everybody may meddle while a build bakes."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from shared.engine.change_control import ChangeControl
from shared.engine.records import QUARANTINE, encode
from shared.errors import PermanentError, TransientError
from shared.model.command import Command, Fail, Pause, Resume
from shared.model.event import EventKind
from shared.model.policy import Site
from shared.model.quarantine import Quarantine, Quarantined
from shared.model.run import Run, RunKind, RunStatus
from shared.ports import Put, SitePicture
from tests.fakes.promoting import PROMOTION, PromotingShop, promoting_policy
from tests.fakes.slots import FakeSlotPair

_LONG_S = 3600


@pytest.fixture
def shop() -> PromotingShop:
    return PromotingShop()


def at(shop: PromotingShop, stage: str) -> Run:
    """Promote until a stage is under way."""
    run = shop.promote()
    while shop.load(run.id).steps[-1].name != stage:
        shop.pass_time(5)
        assert not shop.load(run.id).status.ended, shop.load(run.id).outcome
    return shop.load(run.id)


def tell(shop: PromotingShop, command: Command) -> None:
    ChangeControl(shop.ledger, shop.doorbell, shop.policies, shop.clock).obey("orders", command, "a pipeline")


def known_good(shop: PromotingShop) -> str:
    assert shop.found.known_good is not None
    return shop.found.known_good.build


def taken_back(shop: PromotingShop) -> Run:
    """Return the rollback that follows, at its end."""
    assert shop.found.active is not None
    back = shop.end(shop.found.active.id)
    assert (back.kind, back.level) == (RunKind.ROLLBACK, 1)
    return back


def test_a_build_that_somebody_swapped_back_is_not_called_promoted(shop: PromotingShop) -> None:
    run = at(shop, "bake:production")
    shop.slots.production, shop.slots.slot = "b1", "b2"
    ended = shop.end(run.id)
    assert (ended.status, known_good(shop)) == (RunStatus.FAILED, "b1")
    assert "bake:production: production serves build b1, not b2" in ended.outcome


def test_what_is_swapped_back_as_the_last_bake_ends_is_seen_by_the_last_look(shop: PromotingShop) -> None:
    run = at(shop, "confirm")
    shop.slots.production, shop.slots.slot = "b1", "b2"
    ended = shop.end(run.id)
    assert (ended.status, known_good(shop)) == (RunStatus.FAILED, "b1")
    assert "confirm: " in ended.outcome


def test_what_the_watch_saw_before_the_swap_does_not_end_the_last_bake(shop: PromotingShop) -> None:
    run = at(shop, "verify")
    shop.watch.run()
    assert shop.end(run.id).status is RunStatus.VERIFIED


def _starts_another(shop: PromotingShop) -> None:
    shop.intake.change("orders", "migration", "b9")


_MEDDLING: list[tuple[Callable[[PromotingShop], object], str]] = [
    (
        lambda shop: tell(shop, Fail(reason="journeys broken")),
        "the deployment of build b2 failed by a pipeline: journeys broken",
    ),
    (_starts_another, "the migration of build b9 is in progress now"),
]


@pytest.mark.parametrize(("meddle", "why"), _MEDDLING)
@pytest.mark.parametrize("stage", ["bake:5", "bake:production"])
def test_a_change_that_was_given_up_or_gave_way_is_promoted_no_further(
    shop: PromotingShop, stage: str, meddle: Callable[[PromotingShop], object], why: str
) -> None:
    run = at(shop, stage)
    meddle(shop)
    ended = shop.end(run.id)
    assert ended.status is RunStatus.FAILED
    assert f"{stage}: {why}" in ended.outcome
    assert taken_back(shop).status is RunStatus.VERIFIED
    assert (shop.slots.served, shop.split.share, known_good(shop)) == ("b1", 0.0, "b1")


def _quarantine(shop: PromotingShop) -> None:
    bad = Quarantine({"b2": Quarantined(since=shop.clock(), rollback_id="orders.1")})
    shop.ledger.commit("orders", [Put(QUARANTINE, encode(bad))])


@pytest.mark.parametrize("stage", ["bake:25", "swap", "bake:production", "confirm"])
def test_a_build_in_quarantine_never_becomes_the_known_good(shop: PromotingShop, stage: str) -> None:
    run = at(shop, stage)
    _quarantine(shop)
    ended = shop.end(run.id)
    assert (ended.status, known_good(shop)) == (RunStatus.FAILED, "b1")
    assert "build b2 is in quarantine since" in ended.outcome
    assert taken_back(shop).status is RunStatus.VERIFIED
    assert (shop.slots.served, shop.split.share) == ("b1", 0.0)


def test_nobody_more_is_sent_to_a_slot_that_somebody_else_deployed_to(shop: PromotingShop) -> None:
    run = at(shop, "bake:5")
    shop.slots.slot = "b3"
    ended = shop.end(run.id)
    assert ended.status is RunStatus.FAILED
    assert "bake:5: slot last-good holds b3, not build b2" in ended.outcome
    assert taken_back(shop).status is RunStatus.VERIFIED
    assert shop.split.given == [0.05, 0.0]


class _OtherSlots(FakeSlotPair):
    """Shows another build in the slot than the one that still answers there."""

    def look(self, site: Site, slot: str) -> SitePicture:
        return replace(super().look(site, slot), slot_build="b3")


def test_nobody_at_all_is_sent_to_a_slot_that_is_set_to_another_build(shop: PromotingShop) -> None:
    shop.slots = _OtherSlots(shop.clock, production="b1", slot="b2")
    ended = shop.end(shop.promote().id)
    assert ended.status is RunStatus.REFUSED
    assert "share:5: slot last-good holds b3, not build b2: nobody is sent there" in ended.outcome
    assert (shop.split.given, shop.found.active) == ([], None)


def test_the_stages_are_those_of_the_policy_as_the_promotion_began(shop: PromotingShop) -> None:
    run = at(shop, "bake:production")
    shop.chosen = promoting_policy(PROMOTION.replace("[5%, 25%]", "[5%, 10%, 25%]"))
    ended = shop.end(run.id)
    assert (ended.status, shop.split.given, known_good(shop)) == (RunStatus.VERIFIED, [0.05, 0.25, 0.0], "b2")
    assert [step.name for step in ended.steps] == [stage.name for stage in run.stages]


def test_a_share_that_left_the_policy_is_given_all_the_same(shop: PromotingShop) -> None:
    run = at(shop, "bake:5")
    shop.chosen = promoting_policy(PROMOTION.replace("[5%, 25%]", "[5%]"))
    assert shop.end(run.id).status is RunStatus.VERIFIED
    assert shop.split.given == [0.05, 0.25, 0.0]


def test_a_swap_goes_to_the_slot_that_was_pinned(shop: PromotingShop) -> None:
    run = at(shop, "bake:25")
    text = PROMOTION.replace("slot: last-good", "slot: other").replace("slot_traffic: last-good", "slot_traffic: other")
    shop.chosen = promoting_policy(text)
    assert shop.end(run.id).status is RunStatus.VERIFIED
    assert shop.load(run.id).slot == "last-good"


def test_a_pinned_road_that_is_gone_fails_its_stage(shop: PromotingShop) -> None:
    run = at(shop, "bake:5")
    lines = [line for line in PROMOTION.splitlines() if "split" not in line and "steps:" not in line]
    shop.chosen = promoting_policy("\n".join([*lines, "levels: {1: {roads: [slot_swap]}}"]) + "\n")
    ended = shop.end(run.id)
    assert ended.status is RunStatus.FAILED
    assert "share:25: the policy has no road 'split' any more" in ended.outcome


@pytest.mark.parametrize("stage", ["bake:5", "bake:production"])
def test_a_policy_that_says_nothing_of_promotions_any_more_takes_none_back(shop: PromotingShop, stage: str) -> None:
    run = at(shop, stage)
    shop.chosen = promoting_policy(PROMOTION.partition("promotion:")[0] + "levels: {1: {roads: [split, slot_swap]}}\n")
    assert shop.end(run.id).status is RunStatus.VERIFIED
    assert shop.slots.served == "b2"


class _LostSlots(FakeSlotPair):
    """Cannot be looked at while it is lost."""

    lost: Exception | None = None

    def look(self, site: Site, slot: str) -> SitePicture:
        if self.lost is not None:
            raise self.lost
        return super().look(site, slot)


def _sees_again(shop: PromotingShop) -> None:
    shop.sees = True


def _blind(shop: PromotingShop) -> None:
    shop.sees = False


def _pause(shop: PromotingShop) -> None:
    tell(shop, Pause(reason="lunch"))


def _resume(shop: PromotingShop) -> None:
    tell(shop, Resume(reason="back"))


def _lose(shop: PromotingShop, error: Exception | None) -> None:
    assert isinstance(shop.slots, _LostSlots)
    shop.slots.lost = error


_HOLDS: dict[str, tuple[Callable[[PromotingShop], object], Callable[[PromotingShop], object], str]] = {
    "nobody sees": (_blind, _sees_again, "blind: error_rate has no measured sample"),
    "paused": (_pause, _resume, "the change is paused: "),
    "throttled": (lambda shop: _lose(shop, TransientError("429")), lambda shop: _lose(shop, None), "429"),
    "forbidden": (lambda shop: _lose(shop, PermanentError("403")), lambda shop: _lose(shop, None), "403"),
}


@pytest.mark.long
@pytest.mark.parametrize("way", _HOLDS)
def test_what_cannot_be_seen_holds_it_for_as_long_as_that_lasts_and_people_are_told_once(
    shop: PromotingShop, way: str
) -> None:
    begin, end, why = _HOLDS[way]
    shop.slots = _LostSlots(shop.clock, production="b1", slot="b2")
    run = at(shop, "bake:5")
    begin(shop)
    shop.pass_time(500)
    assert not _told(shop)
    shop.pass_time(_LONG_S)
    assert (shop.load(run.id).status, shop.load(run.id).steps[-1].name) == (RunStatus.RUNNING, "bake:5")
    (told,) = _told(shop)
    assert told.startswith(f"promotion of build b2 is held in bake:5: {why}")
    assert "; it has not been healthy for 10 min, and goes on when it is" in told
    end(shop)
    assert shop.end(run.id).status is RunStatus.VERIFIED
    assert len(_told(shop)) == 1
    assert [out.event.kind for out in shop.found.outbox.values()].count(EventKind.HELD) == 1


def test_also_in_production_nobody_goes_back_because_nobody_sees(shop: PromotingShop) -> None:
    run = at(shop, "bake:production")
    shop.sees = False
    shop.pass_time(_LONG_S)
    assert (shop.load(run.id).status, shop.slots.served) == (RunStatus.RUNNING, "b2")
    shop.by_hand.cancel(run.id, "we looked ourselves", "bob")
    assert (shop.found.active, shop.slots.served) == (None, "b2")


def test_a_watch_that_fell_silent_vouches_for_nothing(shop: PromotingShop) -> None:
    run = at(shop, "bake:5")
    for _ in range(60):
        shop.clock.forward(5)
        shop.advance()
    step = shop.load(run.id).steps[-1]
    assert step.name == "bake:5"
    assert "; held: nobody has watched it since 2026-03-01 12:00:30" in step.note


def test_a_trigger_whose_clock_runs_ends_nothing(shop: PromotingShop) -> None:
    run = at(shop, "bake:5")
    while shop.load(run.id).steps[-1].name == "bake:5":  # bad for less than it takes to fire, again and again
        shop.fails["b2"] = 4.0
        shop.pass_time(10)
        shop.fails["b2"] = 0.0
        shop.pass_time(20)
    assert EventKind.PENDING in [event.kind for event in shop.events]
    assert shop.end(run.id).status is RunStatus.VERIFIED


def _told(shop: PromotingShop) -> list[str]:
    return [event.sentence for event in shop.events if event.kind is EventKind.HELD]
