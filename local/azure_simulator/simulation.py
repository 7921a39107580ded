"""The simulated world in one place: configuration, sites, faults, tokens, and what was seen and served."""

import asyncio
import random
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

from local.azure_simulator.afd.profiles import Profile as AfdProfile
from local.azure_simulator.afd.profiles import build_afd_profiles
from local.azure_simulator.app_configuration.feature_cache import FeatureCache
from local.azure_simulator.app_configuration.store import Store
from local.azure_simulator.builds import Deployment
from local.azure_simulator.config import SimulatorConfig, Throttling, Timings
from local.azure_simulator.costs.books import Books
from local.azure_simulator.dns_zones.record_sets import build_zones
from local.azure_simulator.faults import Api, FaultBook
from local.azure_simulator.hook_target.target import HookTarget
from local.azure_simulator.identity import TokenIssuer
from local.azure_simulator.name_servers.publications import Publications
from local.azure_simulator.operations import Operation
from local.azure_simulator.request_log import RequestLog
from local.azure_simulator.sites import Site, Slot, build_site
from local.azure_simulator.traffic_manager.profiles import build_profiles
from local.demo_site.faults import HEALTHY, BuildFaults

KEPT_SWAP_POSTS = 1000
KEPT_PLAN_READINGS = 1000
KEPT_CHANGES = 1000


@dataclass(slots=True)
class SwapPost:
    """A POST to `slotsswap` that ARM saw. `status` None: the connection was cut before the answer."""

    time: datetime
    site: str
    slot: str
    status: int | None = None
    accepted: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """A write that ARM carried out, as it was asked for."""

    time: datetime
    service: str
    name: str
    properties: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PlanReading:
    """What the plan's metrics say from a moment on."""

    since_s: float
    cpu_percentage: float
    memory_percentage: float

    @classmethod
    def now(cls, cpu_percentage: float, memory_percentage: float) -> Self:
        return cls(time.time(), cpu_percentage, memory_percentage)


@dataclass
class SwapJournal:
    """Totals count for ever; the posts themselves are the newest ones."""

    posts: deque[SwapPost] = field(default_factory=lambda: deque(maxlen=KEPT_SWAP_POSTS))
    posts_total: int = 0
    accepted_total: int = 0

    def open(self, site: str, slot: str) -> SwapPost:
        post = SwapPost(time=datetime.now(UTC), site=site, slot=slot)
        self.posts.append(post)
        self.posts_total += 1
        return post

    def accept(self, post: SwapPost) -> None:
        post.accepted = True
        self.accepted_total += 1


class Simulation:
    def __init__(self, config: SimulatorConfig) -> None:
        self.config = config
        self.timings: Timings = config.timings.model_copy()
        self.throttling: Throttling = config.throttling.model_copy()
        self.sites: dict[str, Site] = {site.name: build_site(site) for site in config.sites}
        self.operations: dict[str, Operation] = {}
        self.afd_profiles: dict[str, AfdProfile] = build_afd_profiles(config.afd_profiles)
        self.faults = FaultBook()
        self.build_faults: dict[str, BuildFaults] = {}
        self.tokens = TokenIssuer()
        self.denied_actions: list[str] = []
        self.journal = SwapJournal()
        self.calls: Counter[Api] = Counter()
        self.changes: deque[Change] = deque(maxlen=KEPT_CHANGES)
        self.traffic_manager_profiles = build_profiles(config.traffic_manager_profiles)
        self.dns_zones = build_zones(config.dns_zones)
        self.publications = Publications(self.dns_zones, self.traffic_manager_profiles)
        self.key_values = Store(config.key_values)
        self.feature_cache = FeatureCache(self.key_values)
        self.hook_target = HookTarget(config.hook_target)
        self.books = Books()
        self.resource_health: dict[str, tuple[str, float]] = {}
        self.readings: dict[str, dict[str, float]] = {}
        self.requests = RequestLog(config.request_log_rows)
        self.random = random.Random(config.seed)
        plan = PlanReading(0.0, config.plan.cpu_percentage, config.plan.memory_percentage)
        self.plan_readings: deque[PlanReading] = deque([plan], maxlen=KEPT_PLAN_READINGS)

    def site(self, name: str) -> Site | None:
        return self.sites.get(name.casefold())

    def note_change(self, service: str, name: str, properties: Mapping[str, Any]) -> None:
        """Call it after every write to a zone or a profile: the name servers learn of it from here."""
        self.changes.append(Change(datetime.now(UTC), service, name, dict(properties)))
        self.publications.publish()

    @property
    def group_id(self) -> str:
        return f"/subscriptions/{self.config.subscription_id}/resourceGroups/{self.config.resource_group}"

    @property
    def plan_id(self) -> str:
        return f"{self.group_id}/providers/Microsoft.Web/serverfarms/{self.config.plan.name}"

    def site_id(self, site: Site, slot: Slot) -> str:
        site_id = f"{self.group_id}/providers/Microsoft.Web/sites/{site.name}"
        return site_id if slot is site.production else f"{site_id}/slots/{slot.name}"

    def deployments(self, build: str | None = None) -> Iterator[Deployment]:
        """Every slot's content, or that of one build."""
        for site in self.sites.values():
            for slot in site.slots.values():
                if build is None or slot.content.build == build:
                    yield slot.content

    def faults_of(self, build: str) -> BuildFaults:
        return self.build_faults.get(build, HEALTHY)

    async def start_builds(self) -> None:
        await asyncio.gather(*(each.start(self.faults_of(each.build)) for each in self.deployments()))

    async def stop_builds(self) -> None:
        await asyncio.gather(*(each.stop() for each in self.deployments()))
