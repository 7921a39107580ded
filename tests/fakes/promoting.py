"""A shop that promotes, in simulated time: slots, shares of traffic, a watch and an engine on one ledger."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from shared.engine.advance import Runs
from shared.engine.by_hand import ByHand
from shared.engine.collect import Collector
from shared.engine.fleet import Fleet
from shared.engine.intake import Intake
from shared.engine.levels import Steps
from shared.engine.promotions import Promotions
from shared.engine.records import EVENT, Snapshot, decode, load_run, snapshot
from shared.engine.watch import Watch
from shared.functions.advancing import advance
from shared.model.budget import Budget
from shared.model.event import Event
from shared.model.policy import Policy
from shared.model.policy_roads import SlotSwapRoad, SlotTrafficRoad
from shared.model.policy_verify import CheckBase, ClientCheck, GetCheck
from shared.model.readiness import StickySettings
from shared.model.readiness_facts import Answered, SiteSeen, SlotState, SwapSeen, Told
from shared.model.run import Run
from shared.model.signal import measured
from shared.ports import Aim, Checker, CheckResult, Collected, Expected, Fence, Job, Ledger, RoadPicture, Want
from tests.fakes.at_once import AtOnce
from tests.fakes.clients import FakeClients
from tests.fakes.clock import FakeClock
from tests.fakes.doorbell import MemoryDoorbell
from tests.fakes.ledger import MemoryLedger
from tests.fakes.policies import policy
from tests.fakes.slots import FakeSlotPair

PROMOTION = """\
roads: {split: {slot_traffic: last-good, takes: 5s}}
promotion:
  slot: last-good
  url: https://orders-last-good.example
  road: split
  steps: [5%, 25%]
  bake: 60s
  hold_at_most: 10m
  smoke: {front: {get: /, build: known_good}}
levels: {1: {roads: [split, slot_swap]}}
"""
_TICK_S = 5
_PATIENCE = timedelta(seconds=5)


def promoting_policy(text: str = PROMOTION) -> Policy:
    return policy(("notify:", f"{text}notify:"))


@dataclass(slots=True)
class ShareRouting:
    """Fulfils `ports.Routing[SlotTrafficRoad]`: what share of the traffic the slot gets."""

    share: float = 0.0
    given: list[float] = field(default_factory=list)
    why_not: str | None = None

    def look(self, policy: Policy, road: SlotTrafficRoad, aim: Aim) -> RoadPicture:
        return RoadPicture(established=self.share == road.share, why_not=self.why_not, shown={"share": self.share})

    def establish(self, policy: Policy, road: SlotTrafficRoad, aim: Aim, fence: Fence) -> None:
        fence()
        self.share = road.share
        self.given.append(road.share)


@dataclass(slots=True)
class SlotChecker:
    """Fulfils `ports.Checker[GetCheck]`: asks the slot whose address it is given."""

    build: Callable[[], str]
    passes: Callable[[], bool]

    def check(self, policy: Policy, check: GetCheck, expected: Expected) -> CheckResult:
        assert policy.site.url == "https://orders-last-good.example"
        build = self.build()
        return CheckResult(passed=build == expected.known_good and self.passes(), note=f"sees {build}")


@dataclass(slots=True)
class PromotingShop:
    """Build `b1` is in production and known to be good, `b2` in the slot.

    Attributes:
        fails: Share of its requests that a build fails.
        sees: Whether the probe sees anything.
        smokes: Whether the slot answers its smoke tests well.
        unready: Why level 1 could not take it back.
        slot_answers: What the slot answers from outside, if not with the build that it holds.
    """

    chosen: Policy = field(default_factory=promoting_policy)
    fails: dict[str, float] = field(default_factory=dict)
    sees: bool = True
    smokes: bool = True
    unready: str | None = None
    slot_answers: Told[Answered] | None = None
    clock: FakeClock = field(default_factory=FakeClock)
    ledger: Ledger = field(default_factory=MemoryLedger)
    doorbell: MemoryDoorbell = field(default_factory=MemoryDoorbell)
    split: ShareRouting = field(default_factory=ShareRouting)
    slots: FakeSlotPair = field(init=False)

    def __post_init__(self) -> None:
        self.slots = FakeSlotPair(self.clock, production="b1", slot="b2")
        self.intake.known_good("orders", "b1", "pipeline")
        self.pass_time(30)

    def policies(self) -> dict[str, Policy]:
        return {"orders": self.chosen}

    @property
    def intake(self) -> Intake:
        return Intake(self.ledger, self.doorbell, self.policies, self.clock)

    @property
    def by_hand(self) -> ByHand:
        return ByHand(self.ledger, self.doorbell, self.policies, self.clock)

    @property
    def promotions(self) -> Promotions:
        return Promotions(self.ledger, self.doorbell, self.policies, self.clock, lambda _: self.unready)

    @property
    def watch(self) -> Watch:
        fleet = Fleet(self.ledger, Budget(10, timedelta(hours=1)), self.clock)
        collector = Collector({"probe": self}, AtOnce())
        return Watch(self.ledger, self.doorbell, self.doorbell, collector, self.policies, fleet, self.clock, AtOnce())

    @property
    def engine(self) -> Runs:
        slot = SlotChecker(lambda: self.slots.other, lambda: self.smokes)
        clients = FakeClients(lambda: self.slots.served)
        checkers: dict[type[CheckBase], Checker[Any]] = {ClientCheck: clients, GetCheck: slot}
        steps = Steps.of_level(self.slots, {"slot_traffic": self.split}, checkers, AtOnce(), self.ledger, self.seen)
        return Runs(self.ledger, self.doorbell, steps, lambda _: self.chosen, self.clock)

    def seen(self, policy: Policy, road: SlotSwapRoad) -> SwapSeen:
        """What readiness sees of the slot."""
        picture = self.slots.look(policy.site, road.slot_swap)
        return SwapSeen(
            slot=road.slot_swap,
            site=SiteSeen(
                production_build=picture.production_build,
                slot_build=picture.slot_build,
                operation_id=picture.operation_id,
            ),
            state=SlotState(front="https://orders-last-good.example", prepared=()),
            answer=self.slot_answers or Answered(reached=True, status=200, build=self.slots.other, latency_ms=20.0),
            sticky=StickySettings(names=(), production={}, slot={}),
        )

    def jobs(self, wants: Sequence[Want]) -> list[Job]:
        """Fulfils `ports.SampleSource`."""
        return [Job(wants=(want,), timeout=_PATIENCE, run=partial(self._probed, want)) for want in wants]

    def _probed(self, want: Want, now: datetime) -> list[Collected]:
        seen = (measured(now, self.error_rate, 20),) if self.sees else ()
        build = self.slots.served if self.sees else ""
        return [Collected(workload="orders", name=want.name, samples=seen, build_seen=build)]

    @property
    def error_rate(self) -> float:
        bad, share = self.fails, self.split.share
        return (1 - share) * bad.get(self.slots.served, 0.0) + share * bad.get(self.slots.other, 0.0)

    def promote(self, build: str = "b2") -> Run:
        return self.promotions.start("orders", build, "ann")

    def pass_time(self, seconds: float) -> None:
        """Watch, and advance whatever is due, tick by tick."""
        for _ in range(int(seconds) // _TICK_S):
            self.clock.forward(_TICK_S)
            if int(self.clock().timestamp()) % 10 == 0:
                self.watch.run()
            self.advance()

    def advance(self) -> None:
        active = self.found.active
        if active is not None:
            advance(self.engine, active.id)

    def end(self, run_id: str, within_s: float = 3600) -> Run:
        """Let time pass until a run has ended."""
        until = self.clock() + timedelta(seconds=within_s)
        while not self.load(run_id).status.ended:
            assert self.clock() < until, self.load(run_id)
            self.pass_time(_TICK_S)
        return self.load(run_id)

    def load(self, run_id: str) -> Run:
        loaded = load_run(self.ledger, "orders", run_id)
        assert loaded is not None
        return loaded[0]

    @property
    def found(self) -> Snapshot:
        return snapshot(self.ledger, "orders")

    @property
    def events(self) -> list[Event]:
        """The history, oldest first."""
        return [decode(Event, row.body) for row in reversed(self.ledger.scan("orders", EVENT))]
