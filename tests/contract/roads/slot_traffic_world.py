"""A site whose production serves the good build b1, and whose slot `candidate` holds the bad build b2."""

from contextlib import AbstractContextManager
from typing import Any

import httpx

from local.azure_simulator import config as simulated
from local.azure_simulator.launch import RunningSimulator
from shared.adapters.slot_traffic import SlotTrafficRouting
from shared.model.policy_roads import SlotTrafficRoad
from tests.contract.roads.world import Json, RoadWorld, Worker, arm_at, launched, shop_policy, site_with

SLOT = "candidate"
HOST = "demo-candidate.azurewebsites.net"
_FRESH = 3
_ROADS = """\
roads:
  split: {slot_traffic: candidate}
levels:
  1: {roads: [split]}
"""


def make_config() -> simulated.SimulatorConfig:
    return simulated.SimulatorConfig(sites=[site_with(**{SLOT: "b2", "beta": "b3"})])


def slot_traffic_world() -> AbstractContextManager[RoadWorld[SlotTrafficRoad]]:
    return launched(
        make_config(),
        SlotTrafficRoad,
        policy=lambda simulator: shop_policy(simulator, _ROADS),
        routing=lambda simulator: SlotTrafficRouting(arm_at(simulator.url)),
        steer_away=lambda simulator: route(simulator, rule(SLOT, HOST, 100)),
        seen_good=lambda simulator: builds_seen(simulator) == {"b1"},
        read_api="web_config",
        write_api="web_config_write",
    )


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


class Split(Worker[SlotTrafficRoad]):
    """A worker that knows the rules as they are set."""

    def rules(self) -> list[Json]:
        rules: list[Json] = site_state(self.simulator)["rampUpRules"]
        return rules
