"""The engine on fakes: a clock that stands still, a ledger in memory, a source that says what a test wants it to."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

import pytest

from shared.decision.asking import approval_rule
from shared.engine.asking import Asking
from shared.engine.asks import Asks
from shared.engine.begin_asked import BeginAsked
from shared.engine.by_hand import ByHand
from shared.engine.collect import Collector
from shared.engine.fleet import Fleet
from shared.engine.fleet_switch import FleetSwitch
from shared.engine.intake import Intake
from shared.engine.records import EVENT, OUTBOX, Snapshot, decode, snapshot
from shared.engine.views import Views
from shared.engine.watch import Watch
from shared.model.budget import Budget
from shared.model.event import Delivery, Event
from shared.model.policy import Policy
from shared.model.signal import Sample, measured
from shared.ports import Collected, Job, Ledger, Want
from tests.fakes.clock import FakeClock
from tests.fakes.doorbell import MemoryDoorbell
from tests.fakes.ledger import MemoryLedger
from tests.fakes.policies import policy
from tests.unit.engine.kept import Kept

EVERY_S = 10.0


@dataclass(slots=True)
class PlayedSource:
    """Fulfils `ports.SampleSource`: every probe measures `value`, or does what `instead` says."""

    value: float = 0.0
    count: int = 20
    build_seen: str = "b2"
    timeout: timedelta = timedelta(seconds=5)
    instead: Callable[[], Sequence[Sample]] | None = None

    def jobs(self, wants: Sequence[Want]) -> list[Job]:
        return [Job(wants=(want,), timeout=self.timeout, run=partial(self._ask, want)) for want in wants]

    def _ask(self, want: Want, now: datetime) -> list[Collected]:
        samples = self.instead() if self.instead else [measured(now, self.value, self.count)]
        found = Collected(
            workload=want.policy.workload, name=want.name, samples=tuple(samples), build_seen=self.build_seen
        )
        return [found]


@dataclass(slots=True)
class Engine:
    """Everything of the engine that a test may want, on one ledger."""

    pool: ThreadPoolExecutor
    policies: dict[str, Policy] = field(default_factory=lambda: {"orders": policy()})
    clock: FakeClock = field(default_factory=FakeClock)
    ledger: Ledger = field(default_factory=MemoryLedger)
    doorbell: MemoryDoorbell = field(default_factory=MemoryDoorbell)
    source: PlayedSource = field(default_factory=PlayedSource)
    fleet_budget: Budget = Budget(10, timedelta(hours=1))  # noqa: RUF009  # it is frozen
    asks_people: bool = False

    @property
    def watch(self) -> Watch:
        return self.watch_on(self.ledger)

    def watch_on(self, ledger: Ledger) -> Watch:
        collector = Collector({"probe": self.source}, self.pool)
        asking = self.asking if self.asks_people else None
        return Watch(
            ledger,
            self.doorbell,
            self.doorbell,
            collector,
            self._policies,
            self.fleet,
            self.clock,
            self.pool,
            asking=asking,
            mail=self.doorbell,
        )

    @property
    def asking(self) -> Asking:
        return Asking(approval_rule, BeginAsked(self.ledger, self._policies, self.clock, self.fleet), self.clock)

    @property
    def asks(self) -> Asks:
        return Asks(self.ledger, self.doorbell, self._policies, self.asking)

    @property
    def intake(self) -> Intake:
        return Intake(self.ledger, self.doorbell, self._policies, self.clock)

    @property
    def by_hand(self) -> ByHand:
        asking = self.asking if self.asks_people else None
        return ByHand(self.ledger, self.doorbell, self._policies, self.clock, asking=asking)

    @property
    def fleet(self) -> Fleet:
        return Fleet(self.ledger, self.fleet_budget, self.clock)

    @property
    def fleet_switch(self) -> FleetSwitch:
        return FleetSwitch(self.ledger, self.doorbell, self._policies, self.clock)

    @property
    def views(self) -> Views:
        return Views(self.ledger, self._policies, self.clock)

    def snapshot(self, workload: str = "orders") -> Snapshot:
        return snapshot(self.ledger, workload)

    def events(self, workload: str = "orders") -> list[Event]:
        """The history, oldest first."""
        return [decode(Event, row.body) for row in reversed(self.ledger.scan(workload, EVENT))]

    def kinds(self) -> list[str]:
        return [event.kind.value for event in self.events()]

    def deliveries(self) -> list[Delivery]:
        return [decode(Delivery, row.body) for row in self.ledger.scan("orders", OUTBOX)]

    def cycles(self, value: float, cycles: int) -> list[str]:
        """Watch several times, ten seconds apart, while the probe measures one value; returns the sentences."""
        self.source.value = value
        said = []
        for _ in range(cycles):
            said += self.watch.run()
            self.clock.forward(EVERY_S)
        return said

    def _policies(self) -> Mapping[str, Policy]:
        return self.policies


@pytest.fixture
def engine() -> Iterator[Engine]:
    with ThreadPoolExecutor(4) as pool:
        yield Engine(pool)


@pytest.fixture
def guarded(engine: Engine) -> Engine:
    """With a known-good build and a change under way."""
    engine.intake.change("orders", "deployment", "b2", "b1")
    return engine


@pytest.fixture
def kept() -> Kept:
    """With a database, and no change yet."""
    return Kept()


@pytest.fixture
def changed(kept: Kept) -> Kept:
    """With a database, and a change that has just begun."""
    kept.change()
    return kept
