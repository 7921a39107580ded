"""A zone `example.com`: `www` must lead to `blue.example.net` and `api` to two addresses; `other` is left alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address
from typing import Any

from azure.mgmt.dns import DnsManagementClient
from azure.mgmt.dns.models import RecordSet

from local.azure_simulator import config as simulated
from local.azure_simulator.dns_zones.config import DnsZoneConfig, RecordSetConfig
from local.azure_simulator.launch import RunningSimulator, launch_simulator
from local.azure_simulator.name_servers.config import NameServersConfig
from shared.adapters.azure_clients import ArmAccess, ArmClients
from shared.adapters.dns_zones import DnsZoneRouting, dns_client
from shared.model.policy import Policy
from shared.model.policy_roads import DnsRoad, Records
from shared.model.policy_text import read_policy
from shared.ports import Aim, RoadPicture
from tests.contract.roads.lookup import looked_up
from tests.contract.roads.world import RoadWorld

ARM_AUDIENCE = "https://management.azure.com"
AIM = Aim(rollback_id="r1", component="names", known_good="b1")
GOOD_ADDRESSES = ["192.0.2.10", "192.0.2.11"]
BAD_ADDRESS = "192.0.2.66"
TTL_S = 30
QUICK = simulated.Timings(dns_propagation_s=0.05, dns_stagger_s=0.02)
_POLICY = """\
workload: shop
site: {{resource: "{site}", url: "https://www.example.com"}}
signals:
  error_rate: {{probe: /health, share: failed}}
triggers:
  critical: [{{name: errors, when: error_rate > 5%}}]
roads:
  names:
    dns: "{zone}"
    ttl: 30s
    records:
      www: {{cname: Blue.example.net}}
      api: {{a: [192.0.2.10, 192.0.2.11]}}
    resolvers: {resolvers}
levels:
  1: {{roads: [names]}}
"""

type Json = dict[str, Any]


def make_config() -> simulated.SimulatorConfig:
    records = [
        RecordSetConfig(name="www", cname="blue.example.net", ttl_s=TTL_S),
        RecordSetConfig(name="api", a=[IPv4Address(each) for each in GOOD_ADDRESSES], ttl_s=TTL_S),
        RecordSetConfig(name="other", cname="elsewhere.example.net", ttl_s=5),
    ]
    slots = {"production": simulated.SlotConfig(build="b1")}
    return simulated.SimulatorConfig(
        sites=[simulated.SiteConfig(name="demo", slots=slots)],
        dns_zones=[DnsZoneConfig(name="example.com", records=records)],
        name_servers=NameServersConfig(negative_ttl_s=1),
        timings=QUICK,
        throttling=simulated.Throttling(read_bucket=100_000, write_bucket=100_000),
    )


@contextmanager
def dns_world() -> Iterator[RoadWorld]:
    with launch_simulator(make_config()) as simulator:
        policy = _policy(simulator)
        yield RoadWorld(
            simulator=simulator,
            environment=simulator.identity_environment,
            policy=policy,
            road=road_of(policy),
            aim=AIM,
            new_routing=lambda: DnsZoneRouting(ArmAccess(simulator.url, ARM_AUDIENCE)),
            steer_away=lambda: steer_away(simulator),
            seen_good=lambda: is_seen_good(simulator),
            effects=lambda: int(simulator.control("GET", "/state")["calls"].get("dns_zones_write", 0)),
            read_api="dns_zones_read",
            write_api="dns_zones_write",
        )


def _policy(simulator: RunningSimulator) -> Policy:
    state = simulator.control("GET", "/state")
    text = _POLICY.format(
        site=state["sites"]["demo"]["resource_id"],
        zone=state["dns_zones"]["example.com"]["resource_id"],
        resolvers=list(simulator.resolvers),
    )
    return read_policy(text, file="shop.yaml", settings={})


def road_of(policy: Policy) -> DnsRoad:
    road = policy.roads["names"]
    assert isinstance(road, DnsRoad)
    return road


def record_sets_of(simulator: RunningSimulator) -> dict[tuple[str, str], Json]:
    """What the zone holds, by type and name."""
    zone = simulator.control("GET", "/state")["dns_zones"]["example.com"]
    return {(each["type"], each["name"]): each for each in zone["record_sets"]}


def set_record(simulator: RunningSimulator, **values: Any) -> None:
    simulator.control("PUT", "/dns_zones/example.com", {"ttl_s": TTL_S, **values})


def steer_away(simulator: RunningSimulator) -> None:
    """Behind everybody's back, known to every name server at once."""
    set_record(simulator, name="www", cname="green.example.net")
    set_record(simulator, name="api", a=[BAD_ADDRESS])


def is_seen_good(simulator: RunningSimulator) -> bool:
    at_www = looked_up(simulator, "www.example.com")
    return at_www == {"blue.example.net"} and looked_up(simulator, "api.example.com") == set(GOOD_ADDRESSES)


class Zone:
    """The world with the few words that these tests need."""

    def __init__(self, world: RoadWorld) -> None:
        self.world = world
        self.simulator = world.simulator
        self.road = road_of(world.policy)
        access = ArmAccess(self.simulator.url, ARM_AUDIENCE)
        self.routing = DnsZoneRouting(access)
        self._clients = ArmClients(access, dns_client)

    def wanting(self, **records: Records) -> DnsRoad:
        return self.road.model_copy(update={"records": records})

    def look(self, road: DnsRoad | None = None) -> RoadPicture:
        return self.routing.look(self.world.policy, road or self.road, self.world.aim)

    def establish(self, road: DnsRoad | None = None) -> None:
        self.routing.establish(self.world.policy, road or self.road, self.world.aim, lambda: None)

    def fault(self, api: str, kind: str, **more: Any) -> None:
        self.simulator.control("POST", "/faults", {"api": api, "kind": kind, **more})

    def held(self, kind: str, name: str) -> Any:
        return record_sets_of(self.simulator).get((kind, name))

    @property
    def client(self) -> DnsManagementClient:
        """A colleague's own."""
        return self._clients.of(self.road.dns)

    def write(self, kind: str, name: str, wanted: RecordSet) -> None:
        parts = self.road.dns.split("/")
        self.client.record_sets.create_or_update(parts[4], parts[8], name, kind, wanted)
