"""What the stages of the other roads are made of: policies that can be read, a door that goes by a name, a flag."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from http.client import HTTPConnection, RemoteDisconnected
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from local.azure_simulator.launch import RunningSimulator, launch_simulator
from local.demo.named_door import NamedDoor
from local.demo.names import led_to
from local.demo.scenarios import SCENARIOS
from local.demo.scene import GOOD_BUILD
from local.demo.stages import API, FLAG, NEXT_SITE, TESTER, TTL_S, ZONE, dns_stage, flag_at, flag_stage, host_of
from local.demo.timeline import WATCHED_TRIGGER
from local.rig.rig import SITE
from shared.model.policy_text import read_policy
from tests.scenarios.demo.fast_pace import idle, quick

NEW_BUILD, NAME = "2026.11.2-bad", f"{API}.{ZONE}"
ZONE_ID = f"/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/dnsZones/{ZONE}"
SETTINGS = {
    "GUARDED_SITE_ID": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/demo",
    "GUARDED_SITE_URL": "http://127.0.0.1:8080",
    "FRONT_DOOR_GROUP_ID": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Cdn/profiles/p/originGroups/web",
    "DNS_ZONE_ID": ZONE_ID,
    "FLAG_STORE": "http://127.0.0.1:8081",
    "CANDIDATE_URL": "http://127.0.0.1:8082",
    "SHOP_SOURCE": "host=old dbname=shop",
    "SHOP_TARGET": "host=new dbname=shop",
    "RESTORE_URL": "http://127.0.0.1:8081",
    "RESTORE_SECRET": "a secret of the tests",
    **{f"RESOLVER_{number}": f"127.0.0.1@{5300 + number}" for number in (1, 2, 3)},
}
OWN_POLICIES = {
    name: scenario.stage.policy
    for name, scenario in SCENARIOS.items()
    if scenario.stage.policy.parent.name == "policies" and scenario.stage.policy.parents[1].name == "demo"
}


@pytest.mark.parametrize("change", [str, quick, idle], ids=["full", "quick", "idle"])
@pytest.mark.parametrize("name", OWN_POLICIES)
def test_policies_can_be_read_at_every_pace(name: str, change: Any) -> None:
    text = change(OWN_POLICIES[name].read_text(encoding="utf-8"))
    policy = read_policy(text, file=f"{name}.yaml", settings=SETTINGS)
    assert WATCHED_TRIGGER in {rule.name for rule in policy.rules}
    assert policy.guards.observe_only == (change is idle)


@dataclass(frozen=True, slots=True)
class Named:
    """A door that goes by the name, and the world behind it."""

    simulator: RunningSimulator
    door: NamedDoor

    def lead_to(self, host: str) -> None:
        self.simulator.control("PUT", f"/dns_zones/{ZONE}", {"name": API, "cname": host, "ttl_s": TTL_S})
        self.simulator.control("DELETE", "/resolvers/caches")


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Named]:
    azure = dns_stage(NEW_BUILD).azure
    with ExitStack() as stack:
        simulator = stack.enter_context(launch_simulator(azure, logs=tmp_path_factory.mktemp("names")))
        sites = {host_of(site): url for site, url in simulator.front_doors.items()}
        yield Named(simulator, stack.enter_context(NamedDoor(NAME, simulator.resolvers, sites)))


def build_at(named: Named) -> str:
    return str(httpx.get(named.door.url).headers["x-build-id"])


def test_a_new_connection_goes_where_the_name_leads(named: Named) -> None:
    named.lead_to(host_of(SITE))
    assert {build_at(named) for _ in range(4)} == {GOOD_BUILD}
    named.lead_to(host_of(NEXT_SITE))
    assert {build_at(named) for _ in range(4)} == {NEW_BUILD}
    assert {led_to(NAME, resolver) for resolver in named.simulator.resolvers} == {host_of(NEXT_SITE)}


def test_a_connection_stays_where_it_was_led(named: Named) -> None:
    named.lead_to(host_of(SITE))
    with httpx.Client() as kept:
        assert kept.get(named.door.url).headers["x-build-id"] == GOOD_BUILD
        named.lead_to(host_of(NEXT_SITE))
        assert kept.get(named.door.url).headers["x-build-id"] == GOOD_BUILD
    assert build_at(named) == NEW_BUILD


def test_resolvers_that_disagree_lead_to_both(named: Named) -> None:
    """The door asks one after the other: people who go by any of them are among those who come."""
    named.lead_to(host_of(SITE))
    assert build_at(named) == GOOD_BUILD
    named.simulator.control("PUT", "/resolvers/0", {"mode": "stale"})
    assert led_to(NAME, named.simulator.resolvers[0]) == host_of(SITE)
    named.simulator.control("PUT", f"/dns_zones/{ZONE}", {"name": API, "cname": host_of(NEXT_SITE), "ttl_s": TTL_S})
    time.sleep(TTL_S + 0.2)
    assert {build_at(named) for _ in named.simulator.resolvers} == {GOOD_BUILD, NEW_BUILD}
    named.simulator.control("PUT", "/resolvers/0", {"mode": "normal"})


@pytest.mark.parametrize("host", ["elsewhere.example.net", ""], ids=["unknown", "none"])
def test_a_name_that_leads_nowhere_serves_nobody(named: Named, host: str) -> None:
    if host:
        named.lead_to(host)
    else:
        named.simulator.control("DELETE", f"/dns_zones/{ZONE}/{API}")
        named.simulator.control("DELETE", "/resolvers/caches")
    parts = urlsplit(named.door.url)
    connection = HTTPConnection(str(parts.hostname), parts.port, timeout=5)
    connection.request("GET", "/")
    with pytest.raises((RemoteDisconnected, ConnectionResetError)):
        connection.getresponse()
    connection.close()


@pytest.mark.parametrize(("percent", "failed"), [(0, 0), (100, 20)])
def test_a_broken_feature_fails_those_whom_its_flag_lets_in(tmp_path: Path, percent: float, failed: int) -> None:
    with launch_simulator(flag_stage().azure, logs=tmp_path) as simulator:
        faults = {"fail_share": 1.0, "feature": FLAG, "only": ["/"]}
        simulator.control("PUT", f"/builds/{GOOD_BUILD}/faults", faults)
        simulator.control("PUT", "/key_values", flag_at(percent))
        site = simulator.front_doors[SITE]
        statuses = [httpx.get(site).status_code for _ in range(20)]
        assert statuses.count(500) == failed
        assert httpx.get(f"{site}/", params={"user": TESTER}).status_code == 500
        assert httpx.get(f"{site}/features/{FLAG}", params={"user": TESTER}).json()["on"]
        simulator.control("PUT", "/key_values", flag_at(percent, enabled=False))
        assert httpx.get(f"{site}/", params={"user": TESTER}).status_code == 200
