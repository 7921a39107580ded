"""A rollback over several roads on fakes: what overtakes what, what is said of it, and who takes up in the end."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.engine.advance import Runs
from shared.engine.commit import commit_and_ring
from shared.engine.fleet_switch import FleetSwitch
from shared.engine.levels import Steps
from shared.engine.records import (
    ACTIVE,
    CHANGE,
    QUARANTINE,
    ROADS,
    WHY,
    Active,
    decode,
    encode,
    load_run,
    snapshot,
)
from shared.engine.start import starting_writes
from shared.functions.advancing import advance
from shared.model.policy import Policy
from shared.model.policy_verify import CheckBase, ClientCheck, ResolvesCheck
from shared.model.quarantine import Quarantine, Quarantined
from shared.model.run import RoadTimes, Run, RunStatus, StepPhase
from shared.ports import Checker, CheckResult, Expected, Put
from tests.fakes.at_once import AtOnce
from tests.fakes.clients import FakeClients
from tests.fakes.clock import NOON, FakeClock
from tests.fakes.doorbell import MemoryDoorbell
from tests.fakes.ledger import MemoryLedger
from tests.fakes.policies import policy
from tests.fakes.routing import FakeRouting, RoutingFate
from tests.fakes.runs import new_run
from tests.fakes.slots import FakeSlotPair, Fate, Reply

_DNS = "/subscriptions/s1/resourceGroups/shop/providers/Microsoft.Network/dnszones/shop.example"
_ROADS = f"""\
roads:
  split: {{slot_traffic: candidate, takes: 5s, give_up_after: 2m}}
  names: {{dns: {_DNS}, records: {{api: {{cname: old.example}}}}, takes: 8s, give_up_after: 2m}}
"""


def roads(level: str, *more: str, split_takes: str = "5s") -> Policy:
    """A policy with two roads besides the swap, and the levels given."""
    levels = "".join(f"  {number}: {text}\n" for number, text in enumerate((level, *more), start=1))
    return policy(("notify:", f"{_ROADS.replace('takes: 5s', f'takes: {split_takes}')}levels:\n{levels}notify:"))


@dataclass(slots=True)
class PathChecker:
    """Fulfils `ports.Checker` for requests and names: passes when its road does what it should."""

    good: Callable[[], bool]

    def check(self, policy: Policy, check: object, expected: Expected) -> CheckResult:
        return CheckResult(passed=self.good(), note="as it is")


@dataclass(slots=True)
class Story:
    """One rollback over real steps and fake roads; whoever advances it waits as long as it asks to."""

    policy: Policy
    clock: FakeClock = field(default_factory=FakeClock)
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    doorbell: MemoryDoorbell = field(default_factory=MemoryDoorbell)
    swap_fates: list[Fate] = field(default_factory=list)
    slots: FakeSlotPair = field(init=False)
    split: FakeRouting = field(init=False)
    names: FakeRouting = field(init=False)
    candidate_gone_is_enough: bool = True

    def __post_init__(self) -> None:
        self.slots = FakeSlotPair(self.clock, fate=lambda: self.swap_fates.pop(0) if self.swap_fates else Fate())
        self.split, self.names = FakeRouting(self.clock), FakeRouting(self.clock)

    @property
    def served(self) -> str:
        """People are served the good build by the swap, or because nobody is sent to the candidate any more."""
        split = self.split.served_good and self.candidate_gone_is_enough
        return "b1" if split else self.slots.served

    @property
    def engine(self) -> Runs:
        named = PathChecker(lambda: self.names.served_good)
        checkers: dict[type[CheckBase], Checker[Any]] = {
            ClientCheck: FakeClients(lambda: self.served),
            ResolvesCheck: named,
        }
        steps = Steps.of_level(self.slots, {"slot_traffic": self.split, "dns": self.names}, checkers, AtOnce())
        return Runs(self.ledger, self.doorbell, steps, lambda _: self.policy, self.clock)

    def tell(self) -> Run:
        run = new_run(self.policy, self.clock())
        commit_and_ring(self.ledger, self.doorbell, "orders", starting_writes(self.policy, run))
        return self.finish(run.id)

    def finish(self, rollback_id: str) -> Run:
        run = self.load(rollback_id)
        while not run.status.ended:
            self.clock.now = max(self.clock.now, run.due_at)
            advance(self.engine, run.id)
            run = self.load(run.id)
        return run

    def load(self, rollback_id: str) -> Run:
        found = load_run(self.ledger, "orders", rollback_id)
        assert found is not None
        return found[0]


def test_the_fast_road_is_enough() -> None:
    story = Story(roads("{roads: [slot_swap, split]}"))
    run = story.tell()
    assert run.status is RunStatus.VERIFIED
    assert [step.name for step in run.steps] == ["look_before", "take:site:split", "verify:1"]
    assert (len(story.split.calls), story.slots.posts) == (1, [])


def test_a_swap_that_takes_eleven_minutes_is_overtaken_by_another_road() -> None:
    story = Story(roads("{roads: [slot_swap, split]}", split_takes="70s"))
    story.swap_fates = [Fate(takes=timedelta(minutes=11))]
    run = story.tell()
    assert run.status is RunStatus.VERIFIED
    assert "61 s, over its budget of 30 s: take:site:slot_swap took" in run.outcome
    assert run.outcome.endswith("still under way: take:site:slot_swap")
    assert (len(story.slots.posts), len(story.split.calls)) == (1, 1)


def test_what_a_road_took_is_remembered_and_the_next_run_goes_by_it() -> None:
    story = Story(roads("{roads: [slot_swap, split]}"))
    story.split.fate = lambda: RoutingFate(takes=timedelta(seconds=4))
    story.tell()
    row = story.ledger.read("orders", ROADS)
    assert row is not None
    took = decode(RoadTimes, row.body).took
    assert list(took) == ["split"]
    assert timedelta(seconds=4) <= took["split"][0] < timedelta(seconds=6)
    assert new_run(story.policy, times=snapshot(story.ledger, "orders").road_times).expected["split"] == max(
        took["split"][0], timedelta(seconds=5)
    )


def test_components_go_back_in_one_go_and_all_of_them_must() -> None:
    story = Story(roads("{components: {web: [slot_swap], api: [names]}}"))
    run = story.tell()
    assert run.status is RunStatus.VERIFIED
    assert sorted(step.component for step in run.steps if step.road) == ["api", "web"]
    assert {"slot_swap.fresh", "names.resolves api"} < set(run.steps[-1].evidence["checks"])


def test_users_that_stay_on_the_candidate_get_the_swap_too() -> None:
    story = Story(roads("{roads: [split, slot_swap]}"), candidate_gone_is_enough=False)
    run = story.tell()
    assert run.status is RunStatus.VERIFIED
    assert [step.name for step in run.steps][1:] == ["take:site:split", "verify:1", "take:site:slot_swap", "verify:2"]
    assert run.step("verify:1").phase is StepPhase.FAILED


@pytest.mark.parametrize("reply", [Reply.LOST_AFTER, Reply.LOST_BEFORE])
def test_a_lost_reply_of_a_road_that_can_be_set_again_costs_seconds(reply: Reply) -> None:
    story = Story(roads("{roads: [split]}"))
    fates = [RoutingFate(reply=reply)]
    story.split.fate = lambda: fates.pop() if fates else RoutingFate()
    run = story.tell()
    assert run.status is RunStatus.VERIFIED
    assert run.ended_at is not None
    assert run.ended_at - run.created_at < timedelta(seconds=5)


def test_somebody_who_undoes_it_again_and_again_is_noticed() -> None:
    story = Story(roads("{roads: [split]}"))
    story.split.fate = lambda: RoutingFate(undone=True)
    run = story.tell()
    assert run.status is RunStatus.FAILED
    assert "accepted 5 times, and not carried out, or somebody else sets it back" in run.outcome
    assert len(story.split.calls) == 5


def test_a_road_that_must_not_be_taken_is_not_touched() -> None:
    story = Story(roads("{roads: [split]}"))
    story.split.why_not = "production itself runs b2"
    run = story.tell()
    assert (run.status, story.split.calls) == (RunStatus.REFUSED, [])
    assert run.outcome == ("level 1 refused: production itself runs b2; no level above takes up: people are called")


def test_a_missing_role_on_one_road_makes_the_next_one_begin() -> None:
    story = Story(roads("{roads: [split, slot_swap]}"))
    story.split.fate = lambda: RoutingFate(reply=Reply.FORBIDDEN)
    run = story.tell()
    assert run.status is RunStatus.VERIFIED
    assert run.step("take:site:split").note == "setting it: 403 AuthorizationFailed"


def test_the_next_level_takes_up_in_the_same_commit() -> None:
    story = Story(roads("{roads: [split]}", "{roads: [slot_swap], budget: 5m}"))
    story.split.fate = lambda: RoutingFate(reply=Reply.FORBIDDEN)
    first = story.tell()
    assert first.outcome.endswith("level 2 takes up")
    active = story.ledger.read("orders", ACTIVE)
    assert active is not None
    second = story.load(decode(Active, active.body).id)
    assert (second.level, second.known_good) == (2, "b1")
    assert second.cause.startswith("level 1 ended failed: ")
    ended = story.finish(second.id)
    assert ended.status is RunStatus.VERIFIED
    assert ended.outcome.endswith("within its budget of 300 s")
    assert story.ledger.read("orders", ACTIVE) is None


def test_a_road_that_gets_there_as_the_next_one_would_begin_ends_the_race() -> None:
    story = Story(roads("{roads: [split, slot_swap]}"))
    story.split.fate = lambda: RoutingFate(takes=timedelta(seconds=4.5))
    run = story.tell()
    assert run.status is RunStatus.VERIFIED
    assert story.slots.posts == []


def test_a_state_that_holds_and_would_not_help_is_no_road_to_take() -> None:
    story = Story(roads("{roads: [split, slot_swap]}"))
    story.split.good, story.candidate_gone_is_enough = True, False
    story.split.why_not = "production itself runs b2"
    run = story.tell()
    assert run.step("take:site:split").phase is StepPhase.REFUSED
    assert (run.status, story.slots.served, len(story.slots.posts)) == (RunStatus.VERIFIED, "b1", 1)
    assert "within its budget of 30 s" in run.outcome


def test_while_the_fleet_is_paused_the_next_level_does_not_take_up_and_says_so() -> None:
    story = Story(roads("{roads: [split]}", "{roads: [slot_swap], budget: 5m}"))
    story.split.fate = lambda: RoutingFate(reply=Reply.FORBIDDEN)
    FleetSwitch(story.ledger, MemoryDoorbell(), dict, story.clock).pause("ann", "Azure is down")
    run = story.tell()
    said = (
        "; level 2 does not take up by itself: the fleet is paused since 2026-03-01 12:00:00 UTC by ann: Azure is down"
    )
    assert run.outcome.endswith(said)
    assert story.ledger.read("orders", ACTIVE) is None


def test_a_level_that_takes_an_approval_is_asked_for_instead_of_begun() -> None:
    story = Story(roads("{roads: [split]}", "{roads: [slot_swap], budget: 5m, approval: {quorum: 2, ttl: 5m}}"))
    story.split.fate = lambda: RoutingFate(reply=Reply.FORBIDDEN)
    run = story.tell()
    assert run.outcome.endswith("; level 2 is asked for")
    found = snapshot(story.ledger, "orders")
    assert found.active is None
    assert found.ask is not None
    assert (found.ask.level, found.ask.quorum, found.ask.build) == (2, 2, "b1")
    assert found.ask.cause.startswith("level 1 ended failed: ")
    assert "asked" in {delivery.event.kind for delivery in found.outbox.values()}


def test_the_next_level_has_the_reasons_of_the_one_below() -> None:
    story = Story(roads("{roads: [split]}", "{roads: [slot_swap], budget: 5m}"))
    story.split.fate = lambda: RoutingFate(reply=Reply.FORBIDDEN)
    run = new_run(story.policy, story.clock())
    story.ledger.commit("orders", [Put(f"{WHY}{run.id}", "the reasons")])
    story.tell()
    assert [row.body for row in story.ledger.scan("orders", WHY)] == ["the reasons"] * 2


def test_a_road_that_was_told_to_wait_is_left_alone_while_another_one_is_watched() -> None:
    story = Story(roads("{components: {web: [split], api: [names]}}"))
    fates = [RoutingFate(reply=Reply.BUSY)] * 3
    story.split.fate = lambda: fates.pop() if fates else RoutingFate()
    story.split.pause = timedelta(seconds=20)
    story.names.fate = lambda: RoutingFate(takes=timedelta(seconds=50))
    run = story.tell()
    assert run.status is RunStatus.VERIFIED
    assert len(story.split.calls) == 4
    assert story.split.called_at[1] - story.split.called_at[0] >= timedelta(seconds=20)


_SECONDS = st.integers(0, 12).map(lambda second: timedelta(seconds=second))


@given(
    takes=st.integers(1, 90).map(lambda second: timedelta(seconds=second)),
    hidden=_SECONDS.filter(lambda span: span <= timedelta(seconds=8)),
    stale=_SECONDS,
    ahead=st.integers(0, 20),
)
def test_whoever_swaps_by_hand_is_never_undone(
    takes: timedelta, hidden: timedelta, stale: timedelta, ahead: int
) -> None:
    """Also where a conflict is the only sign of it, and reads tell late."""
    story = Story(roads("{roads: [slot_swap]}"))
    story.slots.swapped_by_hand(Fate(takes=takes, hidden=hidden, stale=stale, stale_swap_status=True))
    # One that has ended, and was never shown, nobody can know of yet.
    story.clock.forward(min(ahead, int(takes.total_seconds()) - 1))
    run = story.tell()
    assert (run.status, story.slots.served) == (RunStatus.VERIFIED, "b1")
    assert len(story.slots.switched_at) == 1


def _quarantine_after(story: Story) -> Quarantined:
    body = encode(Quarantine({"b2": Quarantined(since=NOON, rollback_id="orders.1")}))
    story.ledger.commit("orders", [Put(QUARANTINE, body)])
    story.tell()
    row = story.ledger.read("orders", QUARANTINE)
    assert row is not None
    return decode(Quarantine, row.body).builds["b2"]


def test_only_a_build_that_people_are_no_longer_served_was_taken_back() -> None:
    assert _quarantine_after(Story(roads("{roads: [slot_swap]}"))).taken_back
    assert not _quarantine_after(Story(roads("{roads: [names]}"))).taken_back
    as_it_was = Story(roads("{roads: [slot_swap]}"))
    as_it_was.slots.production = "b1"
    assert not _quarantine_after(as_it_was).taken_back


def test_what_stands_beside_a_run_and_cannot_be_read_keeps_it_from_nothing() -> None:
    story = Story(roads("{roads: [slot_swap]}"))
    story.ledger.commit("orders", [Put(key, "no such record") for key in (QUARANTINE, CHANGE, ROADS)])
    assert story.tell().status is RunStatus.VERIFIED
