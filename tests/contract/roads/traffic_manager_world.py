"""A shop behind a Traffic Manager profile: endpoint `blue` is the good side, `green` the bad one.

`spare` is there to be left alone: the policy does not name it. Profile `mixed` has endpoints of the other types.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic, sleep
from typing import Any

from local.azure_simulator import config as simulated
from local.azure_simulator.launch import RunningSimulator, launch_simulator
from local.azure_simulator.name_servers.config import NameServersConfig
from local.azure_simulator.traffic_manager.config import EndpointConfig, EndpointType, ProfileConfig, Switch
from shared.adapters.azure_clients import ArmAccess
from shared.adapters.traffic_manager import TrafficManagerRouting
from shared.model.policy import Policy
from shared.model.policy_roads import TrafficManagerRoad
from shared.model.policy_text import read_policy
from shared.ports import Aim, RoadPicture
from tests.contract.roads.lookup import looked_up
from tests.contract.roads.world import RoadWorld

ARM_AUDIENCE = "https://management.azure.com"
AIM = Aim(rollback_id="r1", component="shop", known_good="b1")
NAME = "shop.trafficmanager.net"
_SOON_S = 5.0
QUICK = simulated.Timings(first_probe_s=0.0, dns_propagation_s=0.05, dns_stagger_s=0.02)
_POLICY = """\
workload: shop
site: {{resource: "{site}", url: "https://shop.example.com"}}
signals:
  error_rate: {{probe: /health, share: failed}}
triggers:
  critical: [{{name: errors, when: error_rate > 5%}}]
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

type Json = dict[str, Any]


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
    slots = {"production": simulated.SlotConfig(build="b1")}
    return simulated.SimulatorConfig(
        sites=[simulated.SiteConfig(name="demo", slots=slots)],
        traffic_manager_profiles=[
            ProfileConfig(name="shop", endpoints=endpoints, ttl_s=0),
            ProfileConfig(name="mixed", endpoints=mixed, ttl_s=0),
        ],
        name_servers=NameServersConfig(negative_ttl_s=1),
        timings=QUICK,
        throttling=simulated.Throttling(read_bucket=100_000, write_bucket=100_000),
    )


@contextmanager
def traffic_manager_world() -> Iterator[RoadWorld]:
    with launch_simulator(make_config()) as simulator:
        policy = _policy(simulator)
        yield RoadWorld(
            simulator=simulator,
            environment=simulator.identity_environment,
            policy=policy,
            road=road_of(policy),
            aim=AIM,
            new_routing=lambda: TrafficManagerRouting(ArmAccess(simulator.url, ARM_AUDIENCE)),
            steer_away=lambda: steer(simulator, good="green", bad="blue"),
            seen_good=lambda: looked_up(simulator, NAME) == {"blue.example.net"},
            effects=lambda: int(simulator.control("GET", "/state")["calls"].get("traffic_manager_write", 0)),
            read_api="traffic_manager_read",
            write_api="traffic_manager_write",
        )


def _policy(simulator: RunningSimulator) -> Policy:
    state = simulator.control("GET", "/state")
    text = _POLICY.format(
        site=state["sites"]["demo"]["resource_id"],
        profile=state["traffic_manager"]["shop"]["resource_id"],
        resolvers=list(simulator.resolvers),
    )
    return read_policy(text, file="shop.yaml", settings={})


def road_of(policy: Policy) -> TrafficManagerRoad:
    road = policy.roads["balance"]
    assert isinstance(road, TrafficManagerRoad)
    return road


def endpoints_of(simulator: RunningSimulator) -> Json:
    endpoints: Json = simulator.control("GET", "/state")["traffic_manager"]["shop"]["endpoints"]
    return endpoints


def set_endpoint(simulator: RunningSimulator, name: str, **values: Any) -> None:
    simulator.control("PUT", f"/traffic_manager/shop/{name}", values)


def steer(simulator: RunningSimulator, *, good: str, bad: str) -> None:
    """Behind everybody's back, known to every name server at once."""
    set_endpoint(simulator, good, status="Enabled", weight=1000)
    set_endpoint(simulator, bad, status="Disabled", weight=1000)


class Shop:
    """The world with the few words that these tests need."""

    def __init__(self, world: RoadWorld) -> None:
        self.world = world
        self.simulator = world.simulator
        self.road = road_of(world.policy)
        self.routing = TrafficManagerRouting(ArmAccess(self.simulator.url, ARM_AUDIENCE))

    def wanting(self, **parts: int | str) -> TrafficManagerRoad:
        return self.road.model_copy(update={"endpoints": parts})

    def look(self, road: TrafficManagerRoad | None = None) -> RoadPicture:
        return self.routing.look(self.world.policy, road or self.road, self.world.aim)

    def establish(self, road: TrafficManagerRoad | None = None) -> None:
        self.routing.establish(self.world.policy, road or self.road, self.world.aim, lambda: None)

    def fault(self, api: str, kind: str, **more: Any) -> None:
        self.simulator.control("POST", "/faults", {"api": api, "kind": kind, **more})

    def changes(self) -> list[tuple[str, dict[str, Any]]]:
        """What ARM carried out, in order."""
        return [(each["name"], each["properties"]) for each in self.simulator.control("GET", "/state")["changes"]]

    def timings(self, **seconds: float) -> None:
        self.simulator.control("PUT", "/timings", seconds)

    def wait_until_seen(self, targets: set[str]) -> None:
        until = monotonic() + _SOON_S
        while looked_up(self.simulator, NAME) != targets and monotonic() < until:
            sleep(0.02)
        assert looked_up(self.simulator, NAME) == targets
