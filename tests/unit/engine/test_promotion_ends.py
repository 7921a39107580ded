"""What a promotion or a drill leaves behind when it ends, and what follows from one that ended badly."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.engine.change_control import ChangeControl
from shared.engine.fleet_switch import FleetSwitch
from shared.engine.records import LAST, encode, run_key
from shared.engine.start import after
from shared.engine.steps.step import LEASE
from shared.errors import Refused, TransientError
from shared.model.command import Fail, Start
from shared.model.run import BY_WATCH, LastRollback, Run, RunKind, RunStatus, StepPhase
from shared.ports import Delete, Put
from tests.fakes.interrupted import Interrupted
from tests.fakes.promoting import PROMOTION, PromotingShop, promoting_policy
from tests.fakes.slots import Fate
from tests.unit.engine.test_cancel_anyway import Damaged
from tests.unit.engine.test_drills import drills

_SWAP_ALONE = "\n".join(line for line in PROMOTION.splitlines() if "road: split" not in line and "steps:" not in line)


@pytest.fixture
def shop() -> PromotingShop:
    return PromotingShop()


def at(shop: PromotingShop, run: Run, stage: str) -> Run:
    while shop.load(run.id).steps[-1].name != stage:
        shop.pass_time(5)
    return shop.load(run.id)


def control(shop: PromotingShop) -> ChangeControl:
    return ChangeControl(shop.ledger, shop.doorbell, shop.policies, shop.clock)


def pause(shop: PromotingShop) -> None:
    FleetSwitch(shop.ledger, shop.doorbell, shop.policies, shop.clock).pause("bob", "Azure is down")


def goes_bad(shop: PromotingShop, build: str) -> None:
    """Let a build fail until its rollback has begun."""
    shop.fails[build] = 2.0
    for _ in range(24):
        if shop.found.rolling_back:
            return
        shop.pass_time(5)
    raise AssertionError(shop.found.watch.sentence)


# What comes after


def test_a_promotion_that_is_cancelled_keeps_no_rollback_from_starting(shop: PromotingShop) -> None:
    run = shop.promote()
    at(shop, run, "bake:25")
    shop.by_hand.cancel(run.id, "looks odd", "bob")
    goes_bad(shop, "b2")
    assert shop.found.last is None


def test_a_drill_that_is_cancelled_keeps_no_rollback_from_starting(shop: PromotingShop) -> None:
    run = drills(shop).start("orders", 1, "ann")
    shop.by_hand.cancel(run.id, "not now", "bob")
    shop.slots.production, shop.slots.slot = "b2", "b1"
    goes_bad(shop, "b2")


@pytest.mark.parametrize("kind", ["promotion", "drill"])
def test_the_cool_down_of_a_rollback_outlasts_what_runs_after_it(shop: PromotingShop, kind: str) -> None:
    shop.slots.production, shop.slots.slot = "b2", "b1"
    back = shop.end(shop.by_hand.start("orders", 1, "customers complain", "bob").id)
    shop.pass_time(30)
    run = shop.promote() if kind == "promotion" else drills(shop).start("orders", 1, "ann")
    shop.by_hand.cancel(run.id, "not now", "bob")
    shop.fails["b1"] = shop.fails["b2"] = 0.5
    shop.slots.production, shop.slots.slot = "b2", "b1"
    shop.pass_time(60)
    assert shop.found.last is not None
    assert (shop.found.last.id, shop.found.last.status) == (back.id, back.status)
    assert "less than 15 min ago; automatic again at" in shop.found.watch.sentence


def _in_doubt(shop: PromotingShop) -> Run:
    """A promotion that gives its swap up while the platform still works on it."""
    slow = iter([Fate(takes=timedelta(minutes=21))])
    shop.slots.fate = lambda: next(slow, Fate())
    run = shop.promote()
    at(shop, run, "swap")
    pause(shop)
    return shop.end(run.id)


def test_a_promotion_that_is_not_taken_back_leaves_its_swap_to_whoever_comes_next() -> None:
    shop = PromotingShop(promoting_policy(_SWAP_ALONE.replace("[split, slot_swap]", "[slot_swap]") + "\n"))
    ended = _in_doubt(shop)
    assert (ended.status, shop.found.active) == (RunStatus.FAILED, None)
    sent_at = ended.step("swap").intended_at
    assert sent_at is not None
    assert shop.found.last == LastRollback(swap_sent_at=sent_at)
    back = shop.by_hand.start("orders", 1, "hurry", "bob")
    assert back.swap_sent_at == sent_at
    shop.end(back.id)
    assert (shop.slots.served, len(shop.slots.posts)) == ("b1", 2)  # it waited, and took back what came after all


def test_a_swap_that_is_cancelled_while_it_is_sent_is_waited_for(shop: PromotingShop) -> None:
    shop.chosen = promoting_policy(f"{_SWAP_ALONE}\n")
    run = shop.promote()
    run = at(shop, run, "swap")
    now = shop.clock()
    swap = replace(run.step("swap"), phase=StepPhase.INTENDED, acts=1, intended_at=now, lease_until=now + LEASE)
    shop.ledger.commit("orders", [Put(run_key(run.id), encode(run.with_step(swap)))])
    shop.by_hand.cancel(run.id, "not now", "bob")
    assert shop.found.last == LastRollback(swap_sent_at=now, lease_until=now + LEASE)
    back = shop.by_hand.start("orders", 1, "hurry", "bob")
    assert (back.swap_sent_at, back.due_at) == (now, now + LEASE)


def test_a_promotion_that_swapped_has_seen_the_end_of_every_swap(shop: PromotingShop) -> None:
    before = LastRollback(id="orders.1", status=RunStatus.VERIFIED, ended_at=shop.clock() - timedelta(hours=2))
    lost = replace(before, swap_sent_at=shop.clock())
    shop.ledger.commit("orders", [Put(LAST, encode(lost))])
    assert shop.end(shop.promote().id).status is RunStatus.VERIFIED
    assert shop.found.last == before


def test_a_drill_neither_sends_nor_sees_a_swap(shop: PromotingShop) -> None:
    run = drills(shop).start("orders", 1, "ann")
    sent_at = shop.clock()
    before = LastRollback(id="orders.1", status=RunStatus.FAILED, ended_at=sent_at, swap_sent_at=sent_at)
    looked = replace(run.steps[0], name="take:site:slot_swap", road="slot_swap", phase=StepPhase.DONE)
    drill = replace(run, steps=(looked,), swap_sent_at=sent_at)
    assert after(shop.chosen, before, drill, sent_at) == before


# Who takes it back, and who is asked

_ASKS = promoting_policy(
    PROMOTION.replace("roads: [split, slot_swap]}}", "roads: [split, slot_swap], approval: {quorum: 2}}}")
)


def _fails(shop: PromotingShop, run: Run) -> Run:
    at(shop, run, "bake:25")
    control(shop).obey("orders", Fail(reason="journeys broken"), "a pipeline")
    return shop.end(run.id)


def test_where_level_1_takes_an_approval_people_are_asked_instead(shop: PromotingShop) -> None:
    shop.chosen = _ASKS
    ended = _fails(shop, shop.promotions.start("orders", "b2", "Ann", requested_by_id="entra:t:ann"))
    assert ended.status is RunStatus.FAILED
    assert ended.outcome.endswith("; level 1 is asked for")
    assert (shop.found.active, shop.split.share) == (None, 0.25)
    ask = shop.found.ask
    assert ask is not None
    assert (ask.level, ask.build, ask.bad_build, ask.quorum) == (1, "b1", "b2", 2)
    assert (ask.requested_by, ask.requested_by_id) == ("Ann", "entra:t:ann")
    assert "promotion of build b2 failed: bake:25: the deployment of build b2 failed by a pipeline" in ask.cause


@pytest.mark.parametrize("held", ["the fleet is paused", "the policy says observe_only"])
def test_what_holds_everything_holds_the_way_back_too_and_nobody_is_asked(shop: PromotingShop, held: str) -> None:
    shop.chosen = _ASKS
    run = shop.promote()
    at(shop, run, "bake:25")
    if "fleet" in held:
        pause(shop)
    else:
        shop.chosen = _ASKS.model_copy(update={"guards": _ASKS.guards.model_copy(update={"observe_only": True})})
    ended = _fails(shop, run)
    assert f"level 1 does not take it back by itself: {held}" in ended.outcome
    assert (shop.found.active, shop.found.ask) == (None, None)


def test_the_way_back_is_whose_the_promotion_was_and_is_charged_to_no_budget(shop: PromotingShop) -> None:
    shop.chosen = promoting_policy(PROMOTION + "guards: {budget: 1 per 24h, cool_down: 1h}\n")
    # A name is chosen by people: not even that of the watch is charged.
    _fails(shop, shop.promotions.start("orders", "b2", BY_WATCH, requested_by_id="entra:t:ann"))
    back = shop.load(shop.found.active_id or "")
    assert (back.requested_by, back.requested_by_id) == (BY_WATCH, "entra:t:ann")
    assert shop.found.starts.moments == ()
    assert shop.end(back.id).status is RunStatus.VERIFIED


def test_neither_cool_down_nor_budget_keeps_a_promotion_from_going_back(shop: PromotingShop) -> None:
    shop.chosen = promoting_policy(PROMOTION + "guards: {budget: 1 per 24h, cool_down: 1h}\n")
    at(shop, shop.promote(), "bake:5")
    goes_bad(shop, "b2")  # the one automatic rollback of the day
    assert len(shop.found.starts.moments) == 1
    shop.end(shop.found.active_id or "")
    shop.fails.clear()
    shop.slots.slot = "b3"
    shop.pass_time(60)
    _fails(shop, shop.promote("b3"))
    assert shop.load(shop.found.active_id or "").kind is RunKind.ROLLBACK


# What is recorded meanwhile


def _promote(shop: PromotingShop) -> Run:
    return at(shop, shop.promote(), "bake:25")


def _drill(shop: PromotingShop) -> Run:
    return drills(shop).start("orders", 1, "ann")


def _roll_back(shop: PromotingShop) -> Run:
    return shop.by_hand.start("orders", 1, "customers complain", "bob")


@pytest.mark.parametrize("begin", [_promote, _drill, _roll_back])
def test_the_known_good_stays_while_a_run_goes_by_it(
    shop: PromotingShop, begin: Callable[[PromotingShop], Run]
) -> None:
    run = begin(shop)
    with pytest.raises(Refused, match=f"build b2 does not become the known good now: run {run.id} is under way"):
        shop.intake.known_good("orders", "b2", "a pipeline")
    with pytest.raises(Refused, match=f"run {run.id} is under way"):
        control(shop).obey("orders", Start(kind="deployment", build="b4", known_good="b3"), "a pipeline")
    assert shop.found.known_good is not None
    assert shop.found.known_good.build == "b1"


def test_a_change_that_names_the_known_good_that_a_run_goes_by_begins(shop: PromotingShop) -> None:
    _drill(shop)
    recorded = shop.found.known_good
    shop.intake.change("orders", "deployment", "b4", "b1")
    assert (shop.found.known_good, shop.found.change and shop.found.change.build) == (recorded, "b4")


def test_a_promotion_and_another_known_good_of_the_same_moment_do_not_both_count(shop: PromotingShop) -> None:
    limits = iter([lambda: shop.intake.known_good("orders", "b0", "a pipeline")])

    def meanwhile(_: str) -> None:
        next(limits, lambda: None)()

    promotions = replace(shop.promotions, unready=meanwhile)
    with pytest.raises(Refused, match="production serves build b1, not the known good b0"):
        promotions.start("orders", "b2", "ann")


# A record that nobody can read


@pytest.mark.parametrize("way", ["unread", "damaged", "gone"])
@pytest.mark.parametrize("begin", [_promote, _drill])
def test_a_promotion_or_drill_that_nobody_can_read_gives_way_to_a_rollback_that_is_due(
    shop: PromotingShop, begin: Callable[[PromotingShop], Run], way: str
) -> None:
    run = begin(shop)
    shop.slots.production, shop.slots.slot, shop.fails["b2"] = "b2", "b1", 1.0
    nonsense = Put(run_key(run.id), '{"x": 1}')
    shop.ledger.commit("orders", [Delete(run_key(run.id)) if way == "gone" else nonsense])
    ledger = shop.ledger
    if way == "damaged":
        shop.ledger = Damaged(ledger, run_key(run.id))
    since = shop.clock()
    _watch_until(shop, lambda: shop.found.rolling_back is not None)
    shop.ledger = ledger
    back, old = shop.load(shop.found.rolling_back or ""), shop.load(run.id)
    assert (old.status, old.due_at) == (RunStatus.SUPERSEDED, back.created_at + LEASE)
    assert "its record could not be read: nobody knows what it did" in old.outcome
    assert (back.due_at, back.swap_sent_at) == (back.created_at + LEASE, back.created_at)  # it may have done anything
    assert back.created_at - since <= timedelta(seconds=60)
    assert shop.end(back.id).status is RunStatus.VERIFIED
    assert shop.slots.served == "b1"


def _watch_until(shop: PromotingShop, happened: Callable[[], bool]) -> None:
    for _ in range(12):
        shop.clock.forward(10)
        with suppress(TransientError):  # that nobody can advance it is said in every cycle until it gives way
            shop.watch.run()
        if happened():
            return


def test_whoever_freed_the_workload_and_began_another_run_meanwhile_is_not_overwritten(shop: PromotingShop) -> None:
    old = _drill(shop)
    shop.ledger.commit("orders", [Put(run_key(old.id), "{}")])
    shop.clock.forward(1)
    meanwhile: list[Run] = []

    def freed() -> None:
        shop.by_hand.cancel(old.id, "it is broken", "ann")
        meanwhile.append(_drill(shop))
        shop.clock.forward(1)

    by_hand = replace(shop.by_hand, ledger=Interrupted(shop.ledger, freed))
    back = by_hand.start("orders", 1, "hurry", "bob")
    statuses = [shop.load(run.id).status for run in (old, *meanwhile)]
    assert statuses == [RunStatus.CANCELLED, RunStatus.SUPERSEDED]
    assert shop.found.active_id == back.id
