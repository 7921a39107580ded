"""A shop behind a Traffic Manager profile: endpoint `blue` is the good side, `green` the bad one.

`spare` is there to be left alone: the policy does not name it. Profile `mixed` has endpoints of the other types.
"""

from contextlib import AbstractContextManager
from typing import Any

from local.azure_simulator import config as simulated
from local.azure_simulator.launch import RunningSimulator
from local.azure_simulator.name_servers.config import NameServersConfig
from local.azure_simulator.traffic_manager.config import EndpointConfig, EndpointType, ProfileConfig, Switch
from shared.adapters.traffic_manager import TrafficManagerRouting
from shared.model.policy import Policy
from shared.model.policy_roads import TrafficManagerRoad
from tests.contract.roads.lookup import looked_up
from tests.contract.roads.world import Json, RoadWorld, arm_at, launched, shop_policy, site_with

NAME = "shop.trafficmanager.net"
QUICK = simulated.Timings(first_probe_s=0.0, dns_propagation_s=0.05, dns_stagger_s=0.02)
_ROADS = """\
roads:
  balance:
    traffic_manager: "{profile}"
    name: shop.trafficmanager.net
    endpoints: {{Blue: 1000, green: disabled}}
    resolves_to: [blue.example.net]
    resolvers: {resolvers}
levels:
  1: {{roads: [balance]}}
"""


def make_config() -> simulated.SimulatorConfig:
    endpoints = [
        EndpointConfig(name="blue", target="blue.example.net", weight=1000),
        EndpointConfig(name="green", target="green.example.net", status=Switch.DISABLED, weight=10),
        EndpointConfig(name="spare", target="192.0.2.77", status=Switch.DISABLED, weight=3),
    ]
    mixed = [
        EndpointConfig(name="azureEndpoints", type=EndpointType.AZURE, target="shop.azurewebsites.net"),
        EndpointConfig(name="nestedEndpoints", type=EndpointType.NESTED, target="shop"),
    ]
    return simulated.SimulatorConfig(
        sites=[site_with()],
        traffic_manager_profiles=[
            ProfileConfig(name="shop", endpoints=endpoints, ttl_s=0),
            ProfileConfig(name="mixed", endpoints=mixed, ttl_s=0),
        ],
        name_servers=NameServersConfig(negative_ttl_s=1),
        timings=QUICK,
    )


def traffic_manager_world() -> AbstractContextManager[RoadWorld[TrafficManagerRoad]]:
    return launched(
        make_config(),
        TrafficManagerRoad,
        policy=_policy,
        routing=lambda simulator: TrafficManagerRouting(arm_at(simulator.url)),
        steer_away=lambda simulator: steer(simulator, good="green", bad="blue"),
        seen_good=lambda simulator: looked_up(simulator, NAME) == {"blue.example.net"},
        read_api="traffic_manager_read",
        write_api="traffic_manager_write",
    )


def _policy(simulator: RunningSimulator) -> Policy:
    profile = simulator.control("GET", "/state")["traffic_manager"]["shop"]["resource_id"]
    roads = _ROADS.format(profile=profile, resolvers=list(simulator.resolvers))
    return shop_policy(simulator, roads, url="https://shop.example.com")


def endpoints_of(simulator: RunningSimulator) -> Json:
    endpoints: Json = simulator.control("GET", "/state")["traffic_manager"]["shop"]["endpoints"]
    return endpoints


def set_endpoint(simulator: RunningSimulator, name: str, **values: Any) -> None:
    simulator.control("PUT", f"/traffic_manager/shop/{name}", values)


def steer(simulator: RunningSimulator, *, good: str, bad: str) -> None:
    """Behind everybody's back, known to every name server at once."""
    set_endpoint(simulator, good, status="Enabled", weight=1000)
    set_endpoint(simulator, bad, status="Disabled", weight=1000)
