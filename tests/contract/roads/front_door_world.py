"""A shop behind Azure Front Door: origin `blue` serves the good build b1, origin `green` the bad build b2.

No policy names origin `spare`, which is disabled.
"""

from contextlib import AbstractContextManager
from typing import Any

import httpx

from local.azure_simulator import config as simulated
from local.azure_simulator.afd import config as afd
from local.azure_simulator.launch import RunningSimulator
from shared.adapters.front_door import FrontDoorRouting
from shared.model.policy import Policy
from shared.model.policy_roads import FrontDoorRoad
from tests.contract.roads.world import RoadWorld, Worker, arm_at, launched, shop_policy, site_with

# As many connections as meet every edge, twice.
CONNECTIONS = 4
QUICK = simulated.Timings(afd_update_s=0.0, afd_propagation_s=0.05, afd_propagation_step_s=0.05)
_BUILDS = {"blue": "b1", "green": "b2"}
_ROADS = """\
roads:
  front: {{front_door: "{group}", url: "{url}", origins: {{blue: 1000, green: disabled}}}}
levels:
  1: {{roads: [front]}}
"""


def make_config() -> simulated.SimulatorConfig:
    origins = [afd.AfdOriginConfig(name=name, host_name=f"{name}.azurewebsites.net") for name in _BUILDS]
    origins.append(afd.AfdOriginConfig(name="spare", host_name="blue.azurewebsites.net", enabled=afd.Switch.DISABLED))
    group = afd.AfdGroupConfig(name="web", endpoint="shop", origins=origins)
    sites = [site_with(name=name, production=build) for name, build in _BUILDS.items()]
    return simulated.SimulatorConfig(
        sites=sites, afd_profiles=[afd.AfdProfileConfig(name="edge", groups=[group])], timings=QUICK
    )


def front_door_world() -> AbstractContextManager[RoadWorld[FrontDoorRoad]]:
    return launched(
        make_config(),
        FrontDoorRoad,
        policy=_policy,
        routing=lambda simulator: FrontDoorRouting(arm_at(simulator.url)),
        steer_away=lambda simulator: steer(simulator, good="green", bad="blue"),
        seen_good=lambda simulator: builds_seen(simulator) == {"b1"},
        read_api="afd_read",
        write_api="afd_write",
    )


def _policy(simulator: RunningSimulator) -> Policy:
    url = simulator.afd_endpoints["shop"]
    roads = _ROADS.format(group=group_state(simulator)["resource_id"], url=url)
    return shop_policy(simulator, roads, site="blue", url=url)


def group_state(simulator: RunningSimulator) -> Any:
    return simulator.control("GET", "/state")["afd"]["edge"]["groups"]["web"]


def steer(simulator: RunningSimulator, *, good: str, bad: str) -> None:
    """Behind everybody's back, known to every edge at once."""
    simulator.control("PUT", f"/afd/edge/web/{good}", {"enabled": "Enabled", "weight": 1000})
    simulator.control("PUT", f"/afd/edge/web/{bad}", {"enabled": "Disabled", "weight": 1000})


def builds_seen(simulator: RunningSimulator) -> set[str]:
    """What is served over fresh connections, one after the other: they land at the edges in turn."""
    return {httpx.get(simulator.afd_endpoints["shop"]).headers["x-build-id"] for _ in range(CONNECTIONS)}


class FrontDoor(Worker[FrontDoorRoad]):
    """A worker that knows the origins as they are set."""

    def origins(self) -> Any:
        return group_state(self.simulator)["origins"]

    def is_updating(self) -> bool:
        return bool(self.control("GET", "/state")["afd"]["edge"]["updating"])
