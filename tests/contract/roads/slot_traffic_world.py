"""A site whose production serves the good build b1, and whose slot `candidate` holds the bad build b2."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from local.azure_simulator import config as simulated
from local.azure_simulator.launch import RunningSimulator, launch_simulator
from shared.adapters.azure_clients import ArmAccess
from shared.adapters.slot_traffic import SlotTrafficRouting
from shared.model.policy import Policy
from shared.model.policy_roads import SlotTrafficRoad
from shared.model.policy_text import read_policy
from shared.ports import Aim, RoadPicture
from tests.contract.roads.world import RoadWorld

ARM_AUDIENCE = "https://management.azure.com"
AIM = Aim(rollback_id="r1", component="site", known_good="b1")
SLOT = "candidate"
HOST = "demo-candidate.azurewebsites.net"
_FRESH = 3
_POLICY = """\
workload: shop
site: {{resource: "{site}", url: "{url}"}}
signals:
  error_rate: {{probe: /health, share: failed}}
triggers:
  critical: [{{name: errors, when: error_rate > 5%}}]
roads:
  split: {{slot_traffic: candidate}}
levels:
  1: {{roads: [split]}}
"""

type Json = dict[str, Any]


def make_config() -> simulated.SimulatorConfig:
    slots = {"production": "b1", SLOT: "b2", "beta": "b3"}
    site = simulated.SiteConfig(
        name="demo", slots={name: simulated.SlotConfig(build=build) for name, build in slots.items()}
    )
    return simulated.SimulatorConfig(sites=[site])


@contextmanager
def slot_traffic_world() -> Iterator[RoadWorld]:
    with launch_simulator(make_config()) as simulator:
        policy = _policy(simulator)
        yield RoadWorld(
            simulator=simulator,
            environment=simulator.identity_environment,
            policy=policy,
            road=road_of(policy),
            aim=AIM,
            new_routing=lambda: SlotTrafficRouting(ArmAccess(simulator.url, ARM_AUDIENCE)),
            steer_away=lambda: route(simulator, rule(SLOT, HOST, 100)),
            seen_good=lambda: builds_seen(simulator) == {"b1"},
            effects=lambda: int(simulator.control("GET", "/state")["calls"].get("web_config_write", 0)),
            read_api="web_config",
            write_api="web_config_write",
        )


def _policy(simulator: RunningSimulator) -> Policy:
    text = _POLICY.format(site=site_state(simulator)["resource_id"], url=simulator.front_doors["demo"])
    return read_policy(text, file="shop.yaml", settings={})


def road_of(policy: Policy) -> SlotTrafficRoad:
    road = policy.roads["split"]
    assert isinstance(road, SlotTrafficRoad)
    return road


def site_state(simulator: RunningSimulator) -> Any:
    return simulator.control("GET", "/state")["sites"]["demo"]


def rule(name: str | None, host: str | None, percent: float) -> Json:
    """A ramp-up rule in ARM's spelling."""
    return {"name": name, "actionHostName": host, "reroutePercentage": percent}


def route(simulator: RunningSimulator, *rules: Json) -> None:
    """Behind everybody's back."""
    simulator.control("PUT", "/sites/demo/routing", {"rules": list(rules)})


def build_seen(simulator: RunningSimulator, *, pinned_to: str | None = None) -> str:
    cookies = {"Cookie": f"x-ms-routing-name={pinned_to}"} if pinned_to else {}
    build: str = httpx.get(simulator.front_doors["demo"], headers=cookies).headers["x-build-id"]
    return build


def builds_seen(simulator: RunningSimulator) -> set[str]:
    """What fresh clients are served, and one that was sent to the candidate before."""
    return {build_seen(simulator) for _ in range(_FRESH)} | {build_seen(simulator, pinned_to=SLOT)}


class Split:
    """The world and one adapter, with the few words that the tests of this road need."""

    def __init__(self, world: RoadWorld) -> None:
        self.world = world
        self.simulator = world.simulator
        self.control = world.simulator.control
        self.road = road_of(world.policy)
        self.routing = SlotTrafficRouting(ArmAccess(world.simulator.url, ARM_AUDIENCE))

    def look(self) -> RoadPicture:
        return self.routing.look(self.world.policy, self.road, self.world.aim)

    def establish(self, fence: Callable[[], None] = lambda: None) -> None:
        self.routing.establish(self.world.policy, self.road, self.world.aim, fence)

    def rules(self) -> list[Json]:
        rules: list[Json] = site_state(self.simulator)["rampUpRules"]
        return rules

    def written(self) -> list[Any]:
        return [change["properties"] for change in self.control("GET", "/state")["changes"]]

    def fault(self, api: str, kind: str, **more: Any) -> None:
        self.control("POST", "/faults", {"api": api, "kind": kind, **more})
