"""The roads by which a name leads elsewhere: Traffic Manager and DNS.

Somebody asks every resolver all the time, so that the bad answer is in all caches, each at another age, when the
controller begins.
"""

import time
from collections.abc import Sequence

import dns.message
import dns.query
import dns.rdatatype

from bench.roads.road import Json, Place, Road, level, simulated
from local.azure_simulator.dns_zones.config import DnsZoneConfig, RecordSetConfig
from local.azure_simulator.traffic_manager.config import DOMAIN, EndpointConfig, ProfileConfig

TTL_S = 10
_GOOD, _BAD = "blue.example.net", "green.example.net"
_ZONE = "example.com"
_ASK_EVERY_S = 0.2
_ANSWER_WITHIN_S = 5.0
_KNOWN_WITHIN_S = 2.0 * TTL_S


def _profiles(names: Sequence[str]) -> Json:
    endpoints = [EndpointConfig(name="blue", target=_GOOD), EndpointConfig(name="green", target=_BAD)]
    profiles = [ProfileConfig(name=name, endpoints=endpoints, ttl_s=TTL_S) for name in names]
    return {"traffic_manager_profiles": profiles}


def _profile_policy(place: Place) -> Json:
    profile = place.control("GET", "/state")["traffic_manager"][place.workload]["resource_id"]
    road = {
        "traffic_manager": profile,
        "name": f"{place.workload}.{DOMAIN}",
        "endpoints": {"blue": 1000, "green": "disabled"},
        "resolves_to": [_GOOD],
        "resolvers": list(place.rig.simulator.resolvers),
    }
    return {"site": place.site(), "roads": {"balance": road}, "levels": level("balance")}


def _turn_profile(place: Place, _: str) -> None:
    for endpoint, status in (("green", "Enabled"), ("blue", "Disabled")):
        place.control("PUT", f"/traffic_manager/{place.workload}/{endpoint}", {"status": status})
    _wait_until_bad(place, f"{place.workload}.{DOMAIN}")


def _zone(names: Sequence[str]) -> Json:
    records = [RecordSetConfig(name=name, cname=_GOOD, ttl_s=TTL_S) for name in names]
    return {"dns_zones": [DnsZoneConfig(name=_ZONE, records=records)]}


def _zone_policy(place: Place) -> Json:
    road = {
        "dns": place.control("GET", "/state")["dns_zones"][_ZONE]["resource_id"],
        "records": {place.workload: {"cname": _GOOD}},
        "ttl": f"{TTL_S}s",
        "resolvers": list(place.rig.simulator.resolvers),
    }
    return {"site": place.site(), "roads": {"names": road}, "levels": level("names")}


def _turn_record(place: Place, _: str) -> None:
    place.control("PUT", f"/dns_zones/{_ZONE}", {"name": place.workload, "cname": _BAD, "ttl_s": TTL_S})
    _wait_until_bad(place, f"{place.workload}.{_ZONE}")


def _wait_until_bad(place: Place, name: str) -> None:
    """Ask as users do until every resolver has forgotten the good answer."""
    until = time.monotonic() + _KNOWN_WITHIN_S
    while {_asked(resolver, name) for resolver in place.rig.simulator.resolvers} != {_BAD}:
        if time.monotonic() > until:
            raise TimeoutError(f"{name} does not lead to {_BAD}")
        time.sleep(_ASK_EVERY_S)


def _asked(resolver: str, name: str) -> str:
    host, port = resolver.split("@")
    query = dns.message.make_query(f"{name}.", dns.rdatatype.A)
    answer = dns.query.udp(query, host, port=int(port), timeout=_ANSWER_WITHIN_S).answer
    return answer[0][0].to_text().rstrip(".") if answer else ""


TRAFFIC_MANAGER = Road(
    lanes=3,
    rounds=7,
    platform_s=simulated("dns_propagation_s", "dns_stagger_s") | {"ttl_s": TTL_S},
    world=_profiles,
    policy=_profile_policy,
    steer_away=_turn_profile,
)
DNS = Road(
    lanes=3,
    rounds=7,
    platform_s=simulated("dns_propagation_s", "dns_stagger_s") | {"ttl_s": TTL_S},
    world=_zone,
    policy=_zone_policy,
    steer_away=_turn_record,
)
