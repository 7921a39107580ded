"""A level begins that nobody was asked about while people are asked: a question for more stands, any other is over."""

from dataclasses import replace

import pytest

from shared.engine.asks import Asks
from shared.engine.change_control import ChangeControl
from shared.engine.commit import commit_and_ring
from shared.engine.records import ASK, ASKED, Snapshot, decode, encode, snapshot
from shared.engine.start import starting_writes
from shared.engine.watch import Watch
from shared.functions.advancing import advance
from shared.model.ask import Ask, AskStatus
from shared.model.command import Fail
from shared.model.event import EventKind
from shared.model.policy import Policy
from shared.model.run import Run, RunStatus
from shared.ports import Ledger, Put
from tests.fakes.interrupted import Interrupted, Recorded
from tests.fakes.policies import policy
from tests.fakes.promoting import PROMOTION, PromotingShop, promoting_policy
from tests.fakes.routing import RoutingFate
from tests.fakes.runs import new_run
from tests.fakes.slots import Reply
from tests.unit.engine.asked import Asked
from tests.unit.engine.conftest import Engine
from tests.unit.engine.test_asked_while_promoting import asking_on
from tests.unit.engine.test_people_are_asked import BOB
from tests.unit.engine.test_roads_story import Story, roads
from tests.unit.engine.test_which_question import asking

_BAD, _WORSE = 0.08, 0.31


class AskingShop(PromotingShop):
    """Its watch asks people."""

    __slots__ = ()

    @property
    def watch(self) -> Watch:
        return self.watch_on(self.ledger)

    def watch_on(self, ledger: Ledger) -> Watch:
        return replace(super().watch, ledger=ledger, asking=asking_on(self))


def told(found: list[str], start: str) -> list[str]:
    return [sentence for sentence in found if sentence.startswith(start)]


def asked(shop: AskingShop) -> Ask:
    """The question, once there is one."""
    while shop.found.ask is None:
        shop.pass_time(5)
    return shop.found.ask


# By the watch


def open_ask(found: Snapshot) -> Ask:
    assert found.ask is not None
    return found.ask


def test_a_retry_of_a_lower_level_leaves_a_question_for_more_and_its_approvals_alone() -> None:
    """A quorum that takes longer than the cool-down comes together all the same."""
    levels = "levels: {1: {roads: [slot_swap]}, 2: {roads: [split], approval: {quorum: 2, ttl: 2h}}}\n"
    often = "guards: {cool_down: 5m, budget: 9 per 24h}\n"
    shop = AskingShop(promoting_policy(f"roads: {{split: {{slot_traffic: last-good, takes: 5s}}}}\n{levels}{often}"))
    shop.intake.change("orders", "deployment", "b2")
    shop.slots.production, shop.slots.slot, shop.fails = "b2", "unknown", {"b2": 0.4}
    ask = asked(shop)
    assert (ask.level, ask.trigger) == (2, "errors")
    asks_of(shop).approve(ask.id, BOB, ask.digest)
    shop.pass_time(700)
    started = [event for event in shop.events if event.kind is EventKind.STARTED]
    assert len(started) == 3
    left = open_ask(shop.found)
    assert (left.id, left.missing, left.digest) == (ask.id, 1, ask.digest)
    said = [event.sentence for event in shop.events if event.kind is EventKind.ASKED]
    assert len(told(said, "level 1 begins meanwhile, the question for level 2 stays open: roll back to level 1")) == 1
    assert len(said) == 2


def test_so_does_another_trigger(guarded: Engine) -> None:
    data = "    - {name: data, when: error_rate > 5%, for: 10s, at_least: 20 requests, strategy: data}\n"
    outage = "    - {name: outage, when: error_rate > 20%, for: 20s, at_least: 20 requests}\n"
    more = "strategies: {data: {level: 2}}\n"
    guarded.asks_people = True
    guarded.policies["orders"] = asking(critical=data + outage, level_2=", approval: {ttl: 2m}", more=more)
    guarded.cycles(_BAD, 4)
    ask = open_ask(guarded.snapshot())
    guarded.cycles(_WORSE, 4)
    assert guarded.snapshot().rolling_back is not None
    assert open_ask(guarded.snapshot()) == replace(ask, begun_below=(1,))


def test_its_own_default_still_comes_when_it_is_due(guarded: Engine) -> None:
    test_so_does_another_trigger(guarded)
    ask = open_ask(guarded.snapshot())
    guarded.cycles(_WORSE, 8)
    row = guarded.ledger.read("orders", f"{ASKED}{ask.id}")
    assert row is not None
    assert decode(Ask, row.body).status is AskStatus.EXPIRED


# By a run that ends


def climbs(level: int) -> tuple[Story, Ask, Run]:
    """Level 1 fails and level 2 takes up while people are asked for a level."""
    story = Story(roads("{roads: [split]}", "{roads: [names]}", "{roads: [slot_swap], approval: {ttl: 1h}}"))
    ask = Asked(policy=story.policy).ask(level)
    story.ledger.commit("orders", [Put(ASK, encode(ask))])
    story.split.fate = lambda: RoutingFate(reply=Reply.FORBIDDEN)
    run = new_run(story.policy, story.clock())
    commit_and_ring(story.ledger, story.doorbell, "orders", starting_writes(story.policy, run))
    return story, ask, story.finish(run.id)


@pytest.mark.parametrize("level", [1, 2])
def test_a_level_that_takes_up_ends_a_question_for_as_much_or_less(level: int) -> None:
    story, ask, ended = climbs(level)
    assert ended.outcome.endswith("; level 2 takes up")
    assert snapshot(story.ledger, "orders").ask is None
    row = story.ledger.read("orders", f"{ASKED}{ask.id}")
    assert row is not None
    over = decode(Ask, row.body)
    assert over.status is AskStatus.SUPERSEDED
    assert over.sentence.startswith(f"level 2 takes up: level 1 ended {ended.status}")


def test_and_leaves_one_for_more_alone() -> None:
    story, ask, _ = climbs(3)
    assert open_ask(snapshot(story.ledger, "orders")) == replace(ask, begun_below=(2,))


# By a promotion that goes back

_WARNED = f"{PROMOTION}approvals: {{warning: {{ttl: 1h}}}}\n"


def warned_policy() -> Policy:
    return policy(
        ("notify:", f"{_WARNED}notify:"), ("  critical:\n    - {name: errors,", "  warning:\n    - {name: errors,")
    )


def asks_of(shop: PromotingShop) -> Asks:
    return Asks(shop.ledger, shop.doorbell, shop.policies, asking_on(shop))


def promoting() -> tuple[AskingShop, Run]:
    """A quarter of the people get the new build."""
    shop = AskingShop(warned_policy())
    run = shop.promote()
    while shop.split.share != 0.25:
        shop.pass_time(5)
    return shop, run


def test_a_warning_by_which_a_promotion_goes_back_is_asked_about_no_more() -> None:
    shop, run = promoting()
    shop.fails["b2"] = 1.0
    ask = asked(shop)
    shop.ledger = recorded = Recorded(shop.ledger)
    assert shop.end(run.id).status is RunStatus.FAILED
    assert shop.found.ask is None
    (ended,) = [commit for commit in recorded.commits if f"{ASKED}{ask.id}" in commit]
    assert f"run:{run.id}" in ended
    over = asks_of(shop).look(ask.id)
    assert over.status is AskStatus.SUPERSEDED
    assert over.sentence.startswith("level 1 takes it back: promotion of build b2 failed: bake:25: error_rate")
    shop.pass_time(120)
    assert [event.kind for event in shop.events].count(EventKind.ASKED) == 1


def test_nobody_is_asked_in_the_cycle_in_which_a_promotion_goes_back() -> None:
    """It went back after the cycle had read that it runs."""
    shop, run = promoting()
    control = ChangeControl(shop.ledger, shop.doorbell, shop.policies, shop.clock)
    shop.fails["b2"] = 1.0

    def goes_back() -> None:
        control.obey("orders", Fail(reason="it is no good"), "pipeline")
        advance(shop.engine, run.id)
        assert shop.load(run.id).status is RunStatus.FAILED

    while not any(event.kind is EventKind.PENDING for event in shop.events):
        shop.pass_time(5)
    shop.clock.forward(20)
    shop.watch_on(Interrupted(shop.ledger, goes_back)).run()
    assert any(event.kind is EventKind.FIRING for event in shop.events)
    assert shop.found.rolling_back is not None
    assert shop.found.ask is None
    assert not [event for event in shop.events if event.kind is EventKind.ASKED]
