"""One simulator with all kinds of roads in it, and the adapters as the product wires them."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from time import monotonic, sleep
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from azure.core.pipeline.transport import HttpTransport

from local.azure_simulator import config as simulated
from local.azure_simulator.faults import Api
from local.azure_simulator.launch import RunningSimulator, launch_simulator
from shared.adapters.app_configuration import AppConfigurationRouting
from shared.adapters.app_service import AppServiceSlots
from shared.adapters.azure_clients import ArmAccess, credential
from shared.adapters.checks.clients import ClientChecker
from shared.adapters.checks.journeys import RequestChecker
from shared.adapters.checks.resolves import ResolvesChecker
from shared.adapters.dns_zones import DnsZoneRouting
from shared.adapters.front_door import FrontDoorRouting
from shared.adapters.hook import HookRouting
from shared.adapters.outbound import Outbound
from shared.adapters.probe import HttpProber
from shared.adapters.slot_traffic import SlotTrafficRouting
from shared.adapters.traffic_manager import TrafficManagerRouting
from shared.clock import utc_now
from shared.engine.levels import Steps
from shared.model.policy import Policy
from shared.model.policy_verify import CheckBase, ClientCheck, GetCheck, ResolvesCheck
from shared.ports import Checker, Routing
from tests.contract.roads import (
    app_configuration_world,
    dns_world,
    front_door_world,
    hook_world,
    slot_traffic_world,
    traffic_manager_world,
)
from tests.fakes.at_once import AtOnce
from tests.scenarios.answer_matrix.clock import CaseClock
from tests.scenarios.answer_matrix.roads import GOOD_SLOT, SLOT_SWAP, SWAP_SITE, RoadKind, other_road
from tests.scenarios.answer_matrix.shapes import Shape, policy_for

ACCEPTED_SWAPS = "accepted swaps"
_AUDIENCE = "https://management.azure.com"
_QUIET_WITHIN_S = 20.0
_QUICK = simulated.Timings(
    swap_s=0.0,
    swap_jitter_s=0.0,
    operation_retry_after_s=0,
    restart_s=0.0,
    afd_update_s=0.0,
    afd_propagation_s=0.0,
    afd_propagation_step_s=0.0,
    first_probe_s=0.0,
    dns_propagation_s=0.0,
    dns_stagger_s=0.0,
    key_value_settles_s=0.0,
    feature_refresh_s=0.0,
    hook_s=0.0,
)
_AMPLE = 1_000_000
_UNTHROTTLED = simulated.Throttling(read_bucket=_AMPLE, write_bucket=_AMPLE, key_value_bucket=_AMPLE)

# Adapters live as long as their process: nothing closes their connections.
_KEPT: list[object] = []


def _config() -> simulated.SimulatorConfig:
    swapped = {"production": simulated.SlotConfig(build="b2"), GOOD_SLOT: simulated.SlotConfig(build="b1")}
    return simulated.SimulatorConfig(
        sites=[
            simulated.SiteConfig(name=SWAP_SITE, slots=swapped),
            *slot_traffic_world.make_config().sites,
            *front_door_world.make_config().sites,
        ],
        afd_profiles=front_door_world.make_config().afd_profiles,
        traffic_manager_profiles=traffic_manager_world.make_config().traffic_manager_profiles,
        dns_zones=dns_world.make_config().dns_zones,
        name_servers=dns_world.make_config().name_servers,
        key_values=app_configuration_world.make_config().key_values,
        hook_target=hook_world.make_config().hook_target,
        timings=_QUICK,
        throttling=_UNTHROTTLED,
    )


class World:
    """The simulator, with the few words that a case needs."""

    def __init__(self, simulator: RunningSimulator, clock: CaseClock) -> None:
        self.simulator = simulator
        self.control = simulator.control
        self.clock = clock
        self._arm = ArmAccess(simulator.url, _AUDIENCE)
        self._slots = AppServiceSlots(self._arm)
        self._policies: dict[tuple[str, Shape, timedelta], Policy] = {}
        self._site = self.policy(SLOT_SWAP, Shape.ALONE, timedelta(minutes=1)).site
        self._steps = self._new_steps()
        _KEPT.append(self)

    @property
    def steps(self) -> Steps:
        """The steps of a worker that has its tokens."""
        return self._steps

    def steps_without_token(self) -> Steps:
        """The steps of a worker that has just been started."""
        credential.cache_clear()
        steps = self._new_steps()
        _KEPT.append(steps)
        return steps

    def policy(self, road: RoadKind, shape: Shape, give_up_after: timedelta) -> Policy:
        key = road.name, shape, give_up_after
        if key not in self._policies:
            self._policies[key] = policy_for(self.simulator, road, shape, give_up_after)
        return self._policies[key]

    def put_on_bad_side(self, road: RoadKind) -> None:
        """Put people on the bad side of a road and of the one beside it; no faults are set."""
        if road is SLOT_SWAP:
            self._swap_back()
        for each in (road, other_road(road)):
            each.steer_away(self.simulator)
        self.control("DELETE", "/resolvers/caches")

    def strike(self, fault: Mapping[str, object]) -> None:
        self.control("POST", "/faults", fault)

    @contextmanager
    def lifted_afterwards(self, road: RoadKind) -> Iterator[None]:
        """End all faults in the end, and wait for what they held up."""
        try:
            yield
        finally:
            self.clock.settle()
            self.control("DELETE", "/faults")
            self.control("PUT", "/timings", _QUICK.model_dump())
            self.wait_for_quiet(road)

    def count(self) -> Mapping[str, int]:
        """How many calls came, by API, and how many swaps were accepted."""
        state = self.control("GET", "/state")
        return {**state["calls"], ACCEPTED_SWAPS: state["swaps_accepted_total"]}

    def hits(self, api: Api) -> int:
        """How many calls of an API a fault met."""
        return sum(fault["hits"] for fault in self.control("GET", "/faults")["faults"] if fault["api"] == api)

    def wait_for_quiet(self, road: RoadKind) -> None:
        """Let the simulator end what it carries out: the clock of a case does not wait for its machine."""
        until = monotonic() + _QUIET_WITHIN_S
        while road.is_busy and road.is_busy(self.control("GET", "/state")) and monotonic() < until:
            sleep(0.005)

    def _swap_back(self) -> None:
        """Put b2 into production; the looks are what a `stale` fault tells from then on."""
        site = self._site
        if self._slots.look(site, GOOD_SLOT).production_build != "b2":
            self._slots.swap(site, GOOD_SLOT)
            self.wait_for_quiet(SLOT_SWAP)
            self._slots.look(site, GOOD_SLOT)

    def _new_steps(self) -> Steps:
        pool, outbound = AtOnce(), Outbound()
        routings: dict[str, Routing[Any]] = {
            "slot_traffic": SlotTrafficRouting(self._arm),
            "traffic_manager": TrafficManagerRouting(self._arm),
            "front_door": FrontDoorRouting(self._arm),
            "dns": DnsZoneRouting(self._arm),
            "app_configuration": AppConfigurationRouting(),
            "hook": HookRouting(outbound, utc_now),  # whoever checks a signature goes by the real time
        }
        checkers: dict[type[CheckBase], Checker[Any]] = {
            ClientCheck: ClientChecker(HttpProber(pool), self.clock),
            GetCheck: RequestChecker(outbound),
            ResolvesCheck: ResolvesChecker(pool),
        }
        return Steps.of_level(AppServiceSlots(self._arm), routings, checkers, pool)


@contextmanager
def world() -> Iterator[World]:
    """Run the simulator; what the SDKs wait, in a call or until they ask for a token again, passes on the clock."""
    clock = CaseClock()
    with launch_simulator(_config()) as simulator:
        credential.cache_clear()  # it keeps tokens, which only the simulator that gave them knows
        with (
            patch.dict(os.environ, simulator.identity_environment),
            patch.object(HttpTransport, "sleep", lambda _, seconds: clock.sleep(seconds)),
            # MSAL keeps an endpoint's refusal for as long as its Retry-After says, and does not ask before.
            patch("msal.individual_cache.time", SimpleNamespace(time=lambda: clock().timestamp())),
        ):
            yield World(simulator, clock)
        credential.cache_clear()
