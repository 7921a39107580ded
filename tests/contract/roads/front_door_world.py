"""A shop behind Azure Front Door: origin `blue` serves the good build b1, origin `green` the bad build b2.

No policy names origin `spare`, which is disabled.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic, sleep
from typing import Any

import httpx

from local.azure_simulator import config as simulated
from local.azure_simulator.afd import config as afd
from local.azure_simulator.launch import RunningSimulator, launch_simulator
from shared.adapters.azure_clients import ArmAccess
from shared.adapters.front_door import FrontDoorRouting
from shared.model.policy import Policy
from shared.model.policy_roads import FrontDoorRoad
from shared.model.policy_text import read_policy
from shared.ports import Aim, RoadPicture
from tests.contract.roads.world import RoadWorld

ARM_AUDIENCE = "https://management.azure.com"
AIM = Aim(rollback_id="r1", component="front", known_good="b1")
# As many connections as meet every edge, twice.
CONNECTIONS = 4
_WITHIN_S = 5.0
QUICK = simulated.Timings(afd_update_s=0.0, afd_propagation_s=0.05, afd_propagation_step_s=0.05)
_BUILDS = {"blue": "b1", "green": "b2"}
_POLICY = """\
workload: shop
site: {{resource: "{site}", url: "{url}"}}
signals:
  error_rate: {{probe: /health, share: failed}}
triggers:
  critical: [{{name: errors, when: error_rate > 5%}}]
roads:
  front: {{front_door: "{group}", url: "{url}", origins: {{blue: 1000, green: disabled}}}}
levels:
  1: {{roads: [front]}}
"""


def make_config() -> simulated.SimulatorConfig:
    origins = [afd.AfdOriginConfig(name=name, host_name=f"{name}.azurewebsites.net") for name in _BUILDS]
    origins.append(afd.AfdOriginConfig(name="spare", host_name="blue.azurewebsites.net", enabled=afd.Switch.DISABLED))
    group = afd.AfdGroupConfig(name="web", endpoint="shop", origins=origins)
    sites = [
        simulated.SiteConfig(name=name, slots={"production": simulated.SlotConfig(build=build)})
        for name, build in _BUILDS.items()
    ]
    return simulated.SimulatorConfig(
        sites=sites, afd_profiles=[afd.AfdProfileConfig(name="edge", groups=[group])], timings=QUICK
    )


@contextmanager
def front_door_world() -> Iterator[RoadWorld]:
    with launch_simulator(make_config()) as simulator:
        policy = _policy(simulator)
        yield RoadWorld(
            simulator=simulator,
            environment=simulator.identity_environment,
            policy=policy,
            road=road_of(policy),
            aim=AIM,
            new_routing=lambda: FrontDoorRouting(ArmAccess(simulator.url, ARM_AUDIENCE)),
            steer_away=lambda: steer(simulator, good="green", bad="blue"),
            seen_good=lambda: builds_seen(simulator) == {"b1"},
            effects=lambda: int(simulator.control("GET", "/state")["calls"].get("afd_write", 0)),
            read_api="afd_read",
            write_api="afd_write",
        )


def _policy(simulator: RunningSimulator) -> Policy:
    state = simulator.control("GET", "/state")
    text = _POLICY.format(
        site=state["sites"]["blue"]["resource_id"],
        url=simulator.afd_endpoints["shop"],
        group=group_state(simulator)["resource_id"],
    )
    return read_policy(text, file="shop.yaml", settings={})


def road_of(policy: Policy) -> FrontDoorRoad:
    road = policy.roads["front"]
    assert isinstance(road, FrontDoorRoad)
    return road


def group_state(simulator: RunningSimulator) -> Any:
    return simulator.control("GET", "/state")["afd"]["edge"]["groups"]["web"]


def steer(simulator: RunningSimulator, *, good: str, bad: str) -> None:
    """Behind everybody's back, known to every edge at once."""
    simulator.control("PUT", f"/afd/edge/web/{good}", {"enabled": "Enabled", "weight": 1000})
    simulator.control("PUT", f"/afd/edge/web/{bad}", {"enabled": "Disabled", "weight": 1000})


def builds_seen(simulator: RunningSimulator) -> set[str]:
    """What is served over fresh connections, one after the other: they land at the edges in turn."""
    return {httpx.get(simulator.afd_endpoints["shop"]).headers["x-build-id"] for _ in range(CONNECTIONS)}


class FrontDoor:
    """The world and one adapter, with the few words that the tests of this road need."""

    def __init__(self, world: RoadWorld) -> None:
        self.world = world
        self.control = world.simulator.control
        self.routing = FrontDoorRouting(ArmAccess(world.simulator.url, ARM_AUDIENCE))

    @property
    def road(self) -> FrontDoorRoad:
        return road_of(self.world.policy)

    def look(self, road: FrontDoorRoad | None = None) -> RoadPicture:
        return self.routing.look(self.world.policy, road or self.road, self.world.aim)

    def establish(self, road: FrontDoorRoad | None = None, fence: Callable[[], None] = lambda: None) -> None:
        self.routing.establish(self.world.policy, road or self.road, self.world.aim, fence)

    def written(self) -> list[tuple[str, Any]]:
        """What Azure carried out so far, in its order."""
        return [(change["name"], change["properties"]) for change in self.control("GET", "/state")["changes"]]

    def origins(self) -> Any:
        return group_state(self.world.simulator)["origins"]

    def fault(self, api: str, kind: str, **more: Any) -> None:
        self.control("POST", "/faults", {"api": api, "kind": kind, **more})

    def wait_until(self, holds: Callable[[], bool]) -> None:
        until = monotonic() + _WITHIN_S
        while not holds():
            assert monotonic() < until, "it never became so"
            sleep(0.02)
