"""The stages of the scenarios that are about another road than the slot swap: what each of them needs of Azure."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from local.azure_simulator.afd.config import AfdGroupConfig, AfdOriginConfig, AfdProfileConfig
from local.azure_simulator.app_configuration.config import KeyValueConfig
from local.azure_simulator.config import PRODUCTION, SimulatorConfig
from local.azure_simulator.dns_zones.config import DnsZoneConfig, RecordSetConfig
from local.azure_simulator.hook_target.config import HookTargetConfig
from local.azure_simulator.launch import RunningSimulator
from local.demo.named_door import NamedDoor
from local.demo.scene import GOOD_BUILD
from local.demo.stage import GOOD_SLOT, Stage, own_policy, site_of
from local.demo.users import USUAL_KINDS, Kind
from local.rig.rig import SITE

CANDIDATE = "candidate"
STANDBY_SITE, NEXT_SITE = "demo-standby", "demo-next"
ZONE, API = "example.com", "api"
# Short, as before any change of a record: what resolvers keep, they go on telling for so long.
TTL_S = 3
FLAG = "new-checkout"
# Somebody whom the flag names: on it whenever it is enabled.
TESTER = "ann"
_LONGER_THAN_THE_DEMO_S = 660.0


def host_of(site: str) -> str:
    """The host name that App Service gives to a site."""
    return f"{site}.azurewebsites.net"


def split_stage(scenario: str, *more: Kind) -> Stage:
    """One site with a slot `candidate`; nothing is routed there yet."""
    site = site_of({PRODUCTION: GOOD_BUILD, CANDIDATE: GOOD_BUILD})
    return Stage(policy=own_policy(scenario), azure=SimulatorConfig(sites=[site]), kinds=(*USUAL_KINDS, *more))


def promotion_stage() -> Stage:
    """The same, where the new build goes forward by itself; the slot is asked at its own address."""
    return replace(split_stage("promotion"), surroundings=_slot)


@contextmanager
def _slot(simulator: RunningSimulator) -> Iterator[Mapping[str, str]]:
    yield {"CANDIDATE_URL": simulator.slot_fronts[SITE][CANDIDATE]}


def ladder_stage() -> Stage:
    """One site with the good build in a slot, and a job that restores its data when it is told to."""
    site = site_of({PRODUCTION: GOOD_BUILD, GOOD_SLOT: GOOD_BUILD})
    azure = SimulatorConfig(sites=[site], hook_target=HookTargetConfig(state={"data": {"restored": False}}))
    return Stage(policy=own_policy("ladder"), azure=azure, surroundings=_restoring)


@contextmanager
def _restoring(simulator: RunningSimulator) -> Iterator[Mapping[str, str]]:
    yield {"RESTORE_URL": simulator.url, "RESTORE_SECRET": HookTargetConfig().secret}


def flag_stage() -> Stage:
    """One site, and a flag that is off."""
    azure = SimulatorConfig(
        sites=[site_of({PRODUCTION: GOOD_BUILD})], key_values=[KeyValueConfig(**flag_at(0, enabled=False))]
    )
    return Stage(policy=own_policy("flag"), azure=azure, surroundings=_store)


@contextmanager
def _store(simulator: RunningSimulator) -> Iterator[Mapping[str, str]]:
    yield {"FLAG_STORE": simulator.url}


def flag_at(percent: float, *, enabled: bool = True) -> dict[str, Any]:
    """The key-value of the flag: on for the tester, and for a share of all requests."""
    filters = [
        {"name": "Microsoft.Targeting", "parameters": {"Audience": {"Users": [TESTER], "DefaultRolloutPercentage": 0}}},
        {"name": "Microsoft.Percentage", "parameters": {"Value": percent}},
    ]
    flag = {"id": FLAG, "enabled": enabled, "conditions": {"requirement_type": "Any", "client_filters": filters}}
    content_type = "application/vnd.microsoft.appconfig.ff+json;charset=utf-8"
    return {"key": f".appconfig.featureflag/{FLAG}", "content_type": content_type, "value": json.dumps(flag)}


def front_door_stage() -> Stage:
    """Two sites behind Front Door, the second in reserve, and a platform that takes eleven minutes for a swap."""
    main = AfdOriginConfig(name="main", host_name=host_of(SITE))
    standby = AfdOriginConfig(name="standby", host_name=host_of(STANDBY_SITE), priority=2)
    group = AfdGroupConfig(name="web", endpoint="shop", origins=[main, standby])
    sites = [
        site_of({PRODUCTION: GOOD_BUILD, GOOD_SLOT: GOOD_BUILD}),
        site_of({PRODUCTION: GOOD_BUILD}, STANDBY_SITE),
    ]
    return Stage(
        policy=own_policy("slow-swap"),
        azure=SimulatorConfig(sites=sites, afd_profiles=[AfdProfileConfig(name="edge", groups=[group])]),
        timings={"swap_s": _LONGER_THAN_THE_DEMO_S, "swap_jitter_s": 0},
        surroundings=_front,
    )


@contextmanager
def _front(simulator: RunningSimulator) -> Iterator[Mapping[str, str]]:
    group = simulator.control("GET", "/state")["afd"]["edge"]["groups"]["web"]
    yield {"GUARDED_SITE_URL": simulator.afd_endpoints["shop"], "FRONT_DOOR_GROUP_ID": group["resource_id"]}


def dns_stage(new_build: str) -> Stage:
    """Two sites with a build each; the name leads to the good one, and people go by the name."""
    record = RecordSetConfig(name=API, cname=host_of(SITE), ttl_s=TTL_S)
    sites = [site_of({PRODUCTION: GOOD_BUILD}), site_of({PRODUCTION: new_build}, NEXT_SITE)]
    azure = SimulatorConfig(sites=sites, dns_zones=[DnsZoneConfig(name=ZONE, records=[record])])
    return Stage(policy=own_policy("dns"), azure=azure, surroundings=_names)


@contextmanager
def _names(simulator: RunningSimulator) -> Iterator[Mapping[str, str]]:
    zone = simulator.control("GET", "/state")["dns_zones"][ZONE]
    sites = {host_of(site): url for site, url in simulator.front_doors.items()}
    resolvers = {f"RESOLVER_{number}": address for number, address in enumerate(simulator.resolvers, start=1)}
    with NamedDoor(f"{API}.{ZONE}", simulator.resolvers, sites) as door:
        yield {"GUARDED_SITE_URL": door.url, "DNS_ZONE_ID": zone["resource_id"], **resolvers}
