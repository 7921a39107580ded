"""A day of several workloads in simulated time: the real watch and the real engine on fake sites whose health flaps.

Every workload has a site with a slot that keeps the last build that was known to be good, and a pipeline that goes on
deploying. What the probe measures is what the build that production runs is like at that moment.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from shared.engine.advance import Runs
from shared.engine.collect import Collector
from shared.engine.fleet import Fleet
from shared.engine.intake import Intake
from shared.engine.levels import Steps
from shared.engine.records import EVENT, decode, load_run, snapshot
from shared.engine.watch import Watch
from shared.errors import Refused
from shared.functions.advancing import advance
from shared.model.budget import Budget
from shared.model.event import Event, EventKind
from shared.model.policy import Policy
from shared.model.policy_text import read_policy
from shared.model.policy_verify import CheckBase, ClientCheck
from shared.model.signal import measured
from shared.ports import Checker, Collected, Job, OperationState, Signer, SitePicture, Want
from tests.fakes.at_once import AtOnce
from tests.fakes.clients import FakeClients
from tests.fakes.clock import NOON, FakeClock
from tests.fakes.doorbell import MemoryDoorbell
from tests.fakes.ledger import MemoryLedger
from tests.fakes.slots import FakeSlotPair

TICK = timedelta(seconds=30)
FLEET_BUDGET = Budget(3, timedelta(hours=6))
_TEXT = """\
workload: {name}
site:
  resource: /subscriptions/s1/resourceGroups/shop/providers/Microsoft.Web/sites/{name}
  url: "https://{name}.example"
  good_slot: last-good
signals:
  error_rate: {{probe: /health, share: failed, every: 30s, requests: 20}}
triggers:
  critical: [{{name: errors, when: error_rate > 5%, for: 60s, at_least: 20 requests}}]
guards: {{cool_down: 15m, budget: 2 per 24h}}
notify: {{to: ["webhook:ops"]}}
"""


@dataclass(slots=True)
class Site:
    """One guarded site: its slots, and how large a share of requests each build fails at a moment."""

    name: str
    clock: FakeClock
    sick: Callable[[str, datetime], float]
    slots: FakeSlotPair = field(init=False)
    policy: Policy = field(init=False)

    def __post_init__(self) -> None:
        self.slots = FakeSlotPair(self.clock, production="b1", slot="b1")
        self.policy = read_policy(_TEXT.format(name=self.name), file=f"{self.name}.yaml", settings={})

    def deploy(self, build: str) -> None:
        """The pipeline keeps what ran before in the slot and puts the new build into production."""
        self.slots.slot, self.slots.production = self.slots.served, build


@dataclass(slots=True)
class Day:
    """Everything that happens to some sites; `step` lets one tick of the watch's timer go by."""

    clock: FakeClock
    sites: dict[str, Site]
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    doorbell: MemoryDoorbell = field(default_factory=MemoryDoorbell)
    signer: Signer | None = None

    def step(self) -> None:
        self.watch.run()
        for name in self.sites:
            self._advance(name)
        self.clock.now += TICK

    def _advance(self, name: str) -> None:
        """Advance the rollback of a workload, if one runs, to its end; its waits are part of the tick."""
        while active := snapshot(self.ledger, name).active:
            loaded = load_run(self.ledger, name, active.id)
            assert loaded is not None
            self.clock.now = max(self.clock.now, loaded[0].due_at)
            advance(self.rollbacks, active.id)

    @property
    def watch(self) -> Watch:
        fleet, pool = Fleet(self.ledger, FLEET_BUDGET, self.clock), AtOnce()
        collector = Collector({"probe": self}, pool)
        return Watch(self.ledger, self.doorbell, self.doorbell, collector, self.policies, fleet, self.clock, pool)

    @property
    def intake(self) -> Intake:
        return Intake(self.ledger, self.doorbell, self.policies, self.clock)

    @property
    def rollbacks(self) -> Runs:
        checkers: dict[type[CheckBase], Checker[Any]] = {ClientCheck: _EverySite(self.sites)}
        steps = Steps.of_level(_EverySlot(self.sites), {}, checkers, AtOnce())
        return Runs(self.ledger, self.doorbell, steps, lambda name: self.sites[name].policy, self.clock, self.signer)

    def policies(self) -> Mapping[str, Policy]:
        return {name: site.policy for name, site in self.sites.items()}

    def jobs(self, wants: Sequence[Want]) -> list[Job]:
        """Fulfils `ports.SampleSource`."""
        return [Job(wants=(want,), timeout=want.signal.timeout, run=partial(self._probe, want)) for want in wants]

    def _probe(self, want: Want, now: datetime) -> list[Collected]:
        site = self.sites[want.policy.workload]
        build = site.slots.served
        sample = measured(now, site.sick(build, now), 20)
        return [Collected(workload=site.name, name=want.name, samples=(sample,), build_seen=build)]

    def release(self, name: str, build: str, override: str | None = None) -> bool:
        """The pipeline announces a build and deploys it; tells whether it was let."""
        site = self.sites[name]
        try:
            self.intake.change(name, "deployment", build, site.slots.served, override=override)
        except Refused:
            return False
        site.deploy(build)
        return True

    def events(self, name: str, *kinds: EventKind) -> list[Event]:
        """The history of a workload, oldest first."""
        rows = reversed(self.ledger.scan(name, EVENT, limit=100_000))
        return [event for row in rows if (event := decode(Event, row.body)).kind in kinds or not kinds]

    def starts(self, name: str) -> list[datetime]:
        return [event.at for event in self.events(name, EventKind.STARTED)]


@dataclass(frozen=True, slots=True)
class _EverySlot:
    """Fulfils `ports.SlotSite` for all sites."""

    sites: Mapping[str, Site]

    def _of(self, site: Any) -> FakeSlotPair:
        return self.sites[site.resource.rpartition("/")[2]].slots

    def look(self, site: Any, slot: str) -> SitePicture:
        return self._of(site).look(site, slot)

    def swap(self, site: Any, slot: str) -> str:
        return self._of(site).swap(site, slot)

    def follow(self, site: Any, slot: str, token: str) -> tuple[OperationState, str]:
        return self._of(site).follow(site, slot, token)


@dataclass(frozen=True, slots=True)
class _EverySite:
    """Fulfils `ports.Checker[ClientCheck]` for all sites."""

    sites: Mapping[str, Site]

    def check(self, policy: Policy, check: ClientCheck, expected: Any) -> Any:
        return FakeClients(lambda: self.sites[policy.workload].slots.served).check(policy, check, expected)


def new_day(sick: Callable[[str, datetime], float], *names: str) -> Day:
    """Return a day at its noon with sites that serve b1, which is their known good."""
    clock = FakeClock()
    assert clock.now == NOON
    return Day(clock, {name: Site(name, clock, sick) for name in names})
