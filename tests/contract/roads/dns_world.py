"""A zone `example.com`: `www` must lead to `blue.example.net` and `api` to two addresses; `other` is left alone."""

from contextlib import AbstractContextManager
from ipaddress import IPv4Address
from typing import Any

from azure.mgmt.dns.models import RecordSet

from local.azure_simulator import config as simulated
from local.azure_simulator.dns_zones.config import DnsZoneConfig, RecordSetConfig
from local.azure_simulator.launch import RunningSimulator
from local.azure_simulator.name_servers.config import NameServersConfig
from shared.adapters.azure_clients import ArmClients
from shared.adapters.dns_zones import DnsZoneRouting, dns_client
from shared.model.policy import Policy
from shared.model.policy_roads import DnsRoad
from tests.contract.roads.lookup import looked_up
from tests.contract.roads.world import Json, RoadWorld, Worker, arm_at, launched, shop_policy, site_with

GOOD_ADDRESSES = ["192.0.2.10", "192.0.2.11"]
BAD_ADDRESS = "192.0.2.66"
TTL_S = 30
QUICK = simulated.Timings(dns_propagation_s=0.05, dns_stagger_s=0.02)
_ROADS = """\
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


def make_config() -> simulated.SimulatorConfig:
    records = [
        RecordSetConfig(name="www", cname="blue.example.net", ttl_s=TTL_S),
        RecordSetConfig(name="api", a=[IPv4Address(each) for each in GOOD_ADDRESSES], ttl_s=TTL_S),
        RecordSetConfig(name="other", cname="elsewhere.example.net", ttl_s=5),
    ]
    return simulated.SimulatorConfig(
        sites=[site_with()],
        dns_zones=[DnsZoneConfig(name="example.com", records=records)],
        name_servers=NameServersConfig(negative_ttl_s=1),
        timings=QUICK,
    )


def dns_world() -> AbstractContextManager[RoadWorld[DnsRoad]]:
    return launched(
        make_config(),
        DnsRoad,
        policy=_policy,
        routing=lambda simulator: DnsZoneRouting(arm_at(simulator.url)),
        steer_away=steer_away,
        seen_good=is_seen_good,
        read_api="dns_zones_read",
        write_api="dns_zones_write",
    )


def _policy(simulator: RunningSimulator) -> Policy:
    zone = simulator.control("GET", "/state")["dns_zones"]["example.com"]["resource_id"]
    roads = _ROADS.format(zone=zone, resolvers=list(simulator.resolvers))
    return shop_policy(simulator, roads, url="https://www.example.com")


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


class Zone(Worker[DnsRoad]):
    """A worker that knows what the zone holds, and a colleague who writes to it."""

    def held(self, kind: str, name: str) -> Any:
        return record_sets_of(self.simulator).get((kind, name))

    def write(self, kind: str, name: str, wanted: RecordSet) -> None:
        parts = self.road.dns.split("/")
        client = ArmClients(arm_at(self.simulator.url), dns_client).of(self.road.dns)
        client.record_sets.create_or_update(parts[4], parts[8], name, kind, wanted)
