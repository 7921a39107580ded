"""What a start holds on to: the known good it goes to, the promotion whose place it takes, the lease it waits for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from shared.decision.asking import Wanted, new_ask
from shared.engine.ask_records import load_ask
from shared.engine.collect import Collector
from shared.engine.drills import Drills
from shared.engine.fleet import Fleet
from shared.engine.intake import Intake
from shared.engine.records import ASK, LAST, SETTLED, encode, snapshot
from shared.engine.starting_point import situation_of
from shared.engine.watch import Watch
from shared.errors import Refused
from shared.functions.advancing import advance
from shared.model.ask import AskStatus
from shared.model.budget import Budget
from shared.model.change import ChangeStatus
from shared.model.command import Complete
from shared.model.policy_approval import Approval
from shared.model.run import LastRollback, RoadTimes, Run, RunStatus
from shared.ports import Job, Put, Want
from tests.fakes.at_once import AtOnce
from tests.fakes.policies import policy
from tests.fakes.promoting import PromotingShop, promoting_policy
from tests.unit.engine.conftest import Engine
from tests.unit.engine.test_asked_in_time import acting
from tests.unit.engine.test_people_are_asked import over, question
from tests.unit.engine.test_promotion_ends import at, control

_BAD = 0.31


@pytest.fixture
def shop() -> PromotingShop:
    return PromotingShop()


def goes_bad_at_25(shop: PromotingShop) -> Run:
    """The promoted build fails for a quarter of the users, until the watch takes it back."""
    run = shop.promote()
    at(shop, run, "bake:25")
    shop.fails["b2"] = 1.0
    return run


def taken_back(shop: PromotingShop) -> None:
    """Let the watch do it, before the promotion itself looks again."""
    while not shop.found.rolling_back:
        shop.clock.forward(10)
        shop.watch.run()


def test_a_question_from_before_a_promotion_is_moot_when_it_is_verified(shop: PromotingShop) -> None:
    wanted = Wanted(
        id="orders.20260301T110000000000",
        level=1,
        build="b1",
        bad_build="",
        cause="users complain",
        trigger="",
        requested_by_id="entra:t:ann",
        requested_by="Ann",
    )
    asked = new_ask(shop.chosen, Approval(ttl=timedelta(hours=2)), wanted, RoadTimes(), shop.clock())
    shop.ledger.commit("orders", [Put(ASK, encode(asked))])
    assert shop.end(shop.promote().id).status is RunStatus.VERIFIED
    assert shop.found.ask is None
    assert "build b2 is the known good now" in load_ask(shop.ledger, asked.id)[0].sentence


@dataclass(slots=True)
class Meanwhile:
    """A source that takes its time: something happens while it is asked."""

    shop: PromotingShop
    happens: Callable[[], object]

    def jobs(self, wants: Sequence[Want]) -> list[Job]:
        self.happens()
        return self.shop.jobs(wants)


def test_a_known_good_that_is_recorded_while_the_watch_collects_is_what_it_decides_by(shop: PromotingShop) -> None:
    shop.intake.change("orders", "deployment", "b2")
    shop.slots.production, shop.slots.slot, shop.fails = "b2", "b1", {"b2": 0.5}
    while not any(reading.held >= timedelta(seconds=10) for reading in shop.found.watch.readings):
        shop.pass_time(5)
    slow = Meanwhile(shop, lambda: control(shop).known_good("orders", "b2", "a pipeline"))
    fleet = Fleet(shop.ledger, Budget(10, timedelta(hours=1)), shop.clock)
    shop.clock.forward(10)
    collector = Collector({"probe": slow}, AtOnce())
    Watch(shop.ledger, shop.doorbell, shop.doorbell, collector, shop.policies, fleet, shop.clock, AtOnce()).run()
    found = shop.found
    assert found.known_good is not None
    assert found.known_good.build == "b2"
    assert "b2" not in found.quarantine.builds
    if found.active:
        assert shop.load(found.active.id).known_good == "b2"


def test_a_change_that_is_announced_during_a_promotion_is_not_to_blame(shop: PromotingShop) -> None:
    goes_bad_at_25(shop)
    shop.pass_time(15)
    shop.intake.change("orders", "migration", "b9")
    taken_back(shop)
    assert set(shop.found.quarantine.builds) == {"b2"}


@pytest.mark.parametrize("by", ["the watch", "hand"])
def test_a_promoted_build_goes_into_quarantine_also_when_its_change_was_called_complete(
    shop: PromotingShop, by: str
) -> None:
    run = goes_bad_at_25(shop)
    control(shop).obey("orders", Complete(reason="deployed"), "a pipeline")
    if by == "hand":
        shop.by_hand.start("orders", 1, "users complain", "bob")
    else:
        taken_back(shop)
    assert shop.load(run.id).status in (RunStatus.SUPERSEDED, RunStatus.FAILED)
    assert set(shop.found.quarantine.builds) == {"b2"}
    shop.fails = {}
    shop.end(shop.found.active_id or "")
    shop.pass_time(1200)
    with pytest.raises(Refused, match="build b2 is in quarantine"):
        shop.promote()


def test_what_people_approve_during_a_promotion_takes_the_promoted_build_back(shop: PromotingShop) -> None:
    run = goes_bad_at_25(shop)
    control(shop).obey("orders", Complete(reason="deployed"), "a pipeline")
    found, now = shop.found, shop.clock()
    assert situation_of(shop.chosen, found, now, shop.load(run.id)).bad_build == "b2"
    assert situation_of(shop.chosen, found, now).bad_build == ""


def test_what_takes_a_promotion_back_ends_no_other_change(shop: PromotingShop) -> None:
    run = shop.promote()
    at(shop, run, "bake:5")
    shop.intake.change("orders", "migration", "b9")
    shop.end(run.id)
    back = shop.end(shop.found.active_id or "")
    assert (back.status, back.undoes) == (RunStatus.VERIFIED, "b2")
    change = shop.found.change
    assert change is not None
    assert (change.build, change.status) == ("b9", ChangeStatus.ACTIVE)


@pytest.mark.parametrize("ends", ["cancelled", "superseded"])
def test_a_promotion_that_waits_for_a_lease_hands_it_on(shop: PromotingShop, ends: str) -> None:
    lease = shop.clock() + timedelta(seconds=40)
    left = LastRollback(swap_sent_at=shop.clock(), lease_until=lease)
    shop.ledger.commit("orders", [Put(LAST, encode(left))])
    run = shop.promote()
    shop.clock.forward(1)
    if ends == "cancelled":
        shop.by_hand.cancel(run.id, "not now", "bob")
        shop.clock.forward(1)
    assert shop.by_hand.start("orders", 1, "hurry", "bob").due_at == lease


def test_a_drill_on_a_target_takes_up_no_other_level(shop: PromotingShop) -> None:
    roads = "roads: {split: {slot_traffic: last-good}}\n"
    levels = "drill_target: true\nlevels: {1: {roads: [slot_swap]}, 2: {roads: [split]}}\nnotify:"
    target = policy(("workload: orders", "workload: staging"), ("notify:", roads + levels))
    own = promoting_policy(f"{roads}levels: {{1: {{roads: [slot_swap], drill: {{on: staging}}}}}}\n")
    both = {"orders": own, "staging": target}
    Intake(shop.ledger, shop.doorbell, lambda: both, shop.clock).known_good("staging", "b1", "a pipeline")
    shop.slots.production, shop.slots.slot = "b2", "unknown"
    drills = Drills(shop.ledger, shop.doorbell, lambda: both, shop.clock)
    drill = drills.start("orders", 1, "ann", confirm="staging")
    shop.clock.forward(2)
    said = advance(replace(shop.engine, policy_of=both.__getitem__), drill.id)
    assert said.endswith("it was a drill: no other level takes up")
    assert snapshot(shop.ledger, "staging").active is None


@pytest.fixture
def people(guarded: Engine) -> Engine:
    guarded.asks_people = True
    guarded.policies["orders"] = policy(*acting())
    return guarded


@pytest.mark.parametrize("key", [ASK, SETTLED])
def test_a_question_that_nobody_can_read_does_not_keep_a_workload_from_being_watched(people: Engine, key: str) -> None:
    people.ledger.commit("orders", [Put(key, '{"version": "of tomorrow"}')])
    people.cycles(_BAD, 4)
    assert question(people).cause.startswith("error_rate 0.31 > 0.05")


def test_nothing_is_done_unasked_before_it_is_known_to_last(people: Engine) -> None:
    people.cycles(_BAD, 4)
    ask = question(people)
    while people.clock() < ask.expires_at - timedelta(seconds=5):
        people.cycles(0.0, 1)
    people.cycles(_BAD, 1)
    assert (people.snapshot().active, question(people).id) == (None, ask.id)
    people.cycles(0.0, 1)
    assert people.snapshot().active is None
    ended = over(people, ask.id)
    assert (ended.status, "it is healthy by now" in ended.sentence) == (AskStatus.EXPIRED, True)
