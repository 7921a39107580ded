"""A workload with every kind of road in a simulated Azure, and the product's own adapters, watch and readiness.

The clock is the matrix's: a cycle is a minute. Each minute the workload pushes how old its backup and its replica are.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from unittest.mock import patch

from azure.mgmt.web.operations import WebAppsOperations

from local.azure_simulator import config as simulated
from local.azure_simulator.launch import RunningSimulator, launch_simulator
from shared.adapters.app_configuration import AppConfigurationRouting
from shared.adapters.app_service import AppServiceSlots, web_client
from shared.adapters.azure_clients import ArmAccess, ArmClients, credential
from shared.adapters.dns_zones import DnsZoneRouting
from shared.adapters.front_door import FrontDoorRouting
from shared.adapters.hook import HookRouting
from shared.adapters.outbound import Outbound
from shared.adapters.probe import HttpProber
from shared.adapters.probe_source import ProbeSource
from shared.adapters.readiness.hosts import ResolvingHosts
from shared.adapters.readiness.permissions import ROLES_KEPT, ArmRoles
from shared.adapters.readiness.slot_keeping import STICKY_KEPT, AppServiceSlotKeeping
from shared.adapters.slot_traffic import SlotTrafficRouting
from shared.adapters.traffic_manager import TrafficManagerRouting
from shared.clock import utc_now
from shared.engine.collect import Collector
from shared.engine.fleet import Fleet
from shared.engine.intake import Intake
from shared.engine.readiness import Readiness
from shared.engine.readiness_survey import Survey
from shared.engine.records import EVENT, REHEARSED, decode, encode
from shared.engine.watch import Watch
from shared.model.budget import Budget
from shared.model.event import Event, EventKind
from shared.model.policy import Policy
from shared.model.policy_text import read_policy
from shared.model.readiness import Answering, Rehearsal, Rehearsals, Report
from shared.model.signal import measured
from shared.ports import Put
from tests.contract.roads import (
    app_configuration_world,
    dns_world,
    front_door_world,
    hook_world,
    slot_traffic_world,
    traffic_manager_world,
)
from tests.fakes.clock import FakeClock
from tests.fakes.doorbell import MemoryDoorbell
from tests.fakes.ledger import MemoryLedger

WORKLOAD = "shop"
SITE = "demo"
SLOT = "last-good"
GROUP = "demo-rg"
CHANNEL = "webhook:ops"
CYCLE = timedelta(minutes=1)
_AT_ONCE = timedelta(0)
_AUDIENCE = "https://management.azure.com"
_QUIET_WITHIN_S = 10.0
_AMPLE = 1_000_000
_QUICK = simulated.Timings(
    swap_s=0.0,
    swap_jitter_s=0.0,
    operation_retry_after_s=0,
    restart_s=0.0,
    first_probe_s=0.0,
    key_value_settles_s=0.0,
    feature_refresh_s=0.0,
)
_TEXT = Path(__file__).with_name("shop.yaml").read_text(encoding="utf-8")


def _config() -> simulated.SimulatorConfig:
    sticky = {"SLOT_NAME": "production", "DATABASE": "orders"}
    slots = {
        "production": simulated.SlotConfig(build="b1", settings=sticky),
        SLOT: simulated.SlotConfig(build="b1", settings=sticky | {"SLOT_NAME": "kept"}),
        slot_traffic_world.SLOT: simulated.SlotConfig(build="b2", settings=sticky | {"SLOT_NAME": "candidate"}),
    }
    demo = simulated.SiteConfig(name=SITE, slots=slots, sticky_settings=sorted(sticky))
    return simulated.SimulatorConfig(
        sites=[demo, *front_door_world.make_config().sites],
        afd_profiles=front_door_world.make_config().afd_profiles,
        traffic_manager_profiles=traffic_manager_world.make_config().traffic_manager_profiles,
        dns_zones=dns_world.make_config().dns_zones,
        name_servers=dns_world.make_config().name_servers,
        key_values=app_configuration_world.make_config().key_values,
        hook_target=hook_world.make_config().hook_target,
        timings=_QUICK,
        throttling=simulated.Throttling(read_bucket=_AMPLE, write_bucket=_AMPLE, key_value_bucket=_AMPLE),
    )


class World:
    """The workload, with the few words that a case needs.

    Attributes:
        channels: What is set up to tell people.
        answering: How they can answer.
        replica_lag_s: What the workload says of its replica.
        watched, backed_up: Whether the watch runs, and whether backups are made.
        keeps_answers: Whether the worker keeps what it heard of roles and sticky settings.
    """

    def __init__(self, simulator: RunningSimulator, pools: tuple[ThreadPoolExecutor, ...]) -> None:
        self.simulator = simulator
        self.control = simulator.control
        self.clock = FakeClock()
        self.ledger = MemoryLedger()
        self.settings = {"HOOK_SECRET": hook_world.SECRET, "SMOKE_KEY": "a key of the smoke test"}
        self.channels = {CHANNEL}
        self.answering = Answering(signed_in=True, links=True)
        self.replica_lag_s = 2.0
        self.watched = self.backed_up = self.keeps_answers = True
        self.policy = self.read()
        self._checks, self._questions, self._probes = pools
        self._doorbell = MemoryDoorbell()
        self._arm = ArmAccess(simulator.url, _AUDIENCE)
        self._clients = ArmClients(self._arm, web_client)
        self._prober = HttpProber(self._probes)
        self._surveys = {True: self._new_survey(STICKY_KEPT, ROLES_KEPT), False: self._new_survey(_AT_ONCE, _AT_ONCE)}
        self.fleet = Fleet(self.ledger, Budget(10, timedelta(hours=1)), self.clock)
        self.intake.known_good(WORKLOAD, "b1", "tests")
        self.rehearse(self.clock())

    def read(self, *replacements: tuple[str, str]) -> Policy:
        """Read the policy, with parts of its text replaced."""
        state = self.control("GET", "/state")
        text = _TEXT
        for old, new in replacements:
            assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the policy"
            text = text.replace(old, new)
        given = {
            "SITE": state["sites"][SITE]["resource_id"],
            "URL": self.simulator.front_doors[SITE],
            "SLOT_URL": self.simulator.slot_fronts[SITE][SLOT],
            "PROFILE": state["traffic_manager"]["shop"]["resource_id"],
            "ZONE": state["dns_zones"]["example.com"]["resource_id"],
            "GROUP": state["afd"]["edge"]["groups"]["web"]["resource_id"],
            "FRONT_URL": self.simulator.afd_endpoints["shop"],
            "STORE": self.simulator.url,
            "STORE_ID": f"/subscriptions/{_config().subscription_id}/resourceGroups/{GROUP}/providers"
            "/Microsoft.AppConfiguration/configurationStores/flags",
            "RESOLVER": self.simulator.resolvers[0],
        }
        return read_policy(text, file="shop.yaml", settings=given | self.settings)

    @property
    def apps(self) -> WebAppsOperations:
        return self._clients.of(self.policy.site.resource).web_apps

    @property
    def intake(self) -> Intake:
        return Intake(self.ledger, self._doorbell, lambda: {WORKLOAD: self.policy}, self.clock)

    @property
    def readiness(self) -> Readiness:
        return Readiness(
            ledger=self.ledger,
            doorbell=self._doorbell,
            survey=self._surveys[self.keeps_answers],
            policies=lambda: {WORKLOAD: self.policy},
            fleet=self.fleet,
            channels=self.channels,
            answering=self.answering,
            clock=self.clock,
            pool=self._checks,
        )

    def cycle(self, after: timedelta = CYCLE) -> Report:
        """Let some time pass; then the workload pushes, the watch watches, and readiness is checked."""
        self.clock.now += after
        now = self.clock()
        pushed = {"replica.lag": (measured(now, self.replica_lag_s),)}
        if self.backed_up:
            pushed["backup.done"] = (measured(now - timedelta(hours=1), 1.0),)
        self.intake.samples(WORKLOAD, pushed)
        if self.watched:
            self._watch().run()
        return self.readiness.check(WORKLOAD)

    def rehearse(self, at: datetime, *, ok: bool = True) -> None:
        """Somebody rehearses level 3."""
        drill = Rehearsal(at=at, ok=ok, sentence="verified in 4 s" if ok else "the switch was not turned back")
        self.put(REHEARSED, Rehearsals({3: drill}))

    def put(self, key: str, record: object) -> None:
        self.ledger.commit(WORKLOAD, [Put(key, encode(record))])

    def told(self) -> list[EventKind]:
        """What people were told of readiness, oldest first."""
        events = [decode(Event, row.body) for row in reversed(self.ledger.scan(WORKLOAD, EVENT))]
        return [event.kind for event in events if event.kind in (EventKind.READY, EventKind.NOT_READY)]

    def arm_calls(self) -> int:
        """How many calls Azure has seen, tokens and hooks apart."""
        calls: dict[str, int] = self.control("GET", "/state")["calls"]
        return sum(count for api, count in calls.items() if api not in ("token", "hook_read", "hook_call"))

    def wait_for_quiet(self) -> None:
        until = monotonic() + _QUIET_WITHIN_S
        while self.control("GET", "/state")["sites"][SITE]["in_progress_operation_id"]:
            assert monotonic() < until, "the swap never ended"
            sleep(0.01)

    def _watch(self) -> Watch:
        collector = Collector({"probe": ProbeSource(self._prober, Outbound())}, self._questions)
        policies: Callable[[], dict[str, Policy]] = lambda: {WORKLOAD: self.policy}  # noqa: E731  # it has no other use
        doorbell = self._doorbell
        return Watch(self.ledger, doorbell, doorbell, collector, policies, self.fleet, self.clock, self._checks)

    def _new_survey(self, sticky_kept: timedelta, roles_kept: timedelta) -> Survey:
        outbound = Outbound()
        return Survey(
            slots=AppServiceSlots(self._arm),
            routings={
                "slot_traffic": SlotTrafficRouting(self._arm),
                "traffic_manager": TrafficManagerRouting(self._arm),
                "front_door": FrontDoorRouting(self._arm),
                "dns": DnsZoneRouting(self._arm),
                "app_configuration": AppConfigurationRouting(),
                "hook": HookRouting(outbound, utc_now),  # whoever checks a signature goes by the real time
            },
            keeping=AppServiceSlotKeeping(self._arm, self.clock, sticky_kept),
            roles=ArmRoles(self._arm, self.clock, roles_kept),
            hosts=ResolvingHosts(),
            prober=self._prober,
            pool=self._questions,
        )


# Adapters live as long as their process: nothing closes their connections.
_KEPT: list[Any] = []


@contextmanager
def world() -> Iterator[World]:
    """Run the simulator and the workload in it."""
    with ExitStack() as stack:
        simulator = stack.enter_context(launch_simulator(_config()))
        credential.cache_clear()  # it keeps tokens, which only the simulator that gave them knows
        stack.callback(credential.cache_clear)
        stack.enter_context(patch.dict(os.environ, simulator.identity_environment))
        pools = tuple(stack.enter_context(ThreadPoolExecutor(threads)) for threads in (2, 8, 8))
        _KEPT.append(World(simulator, pools))
        yield _KEPT[-1]
