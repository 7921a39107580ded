"""A shop whose flag `checkout` decides who is on the new, bad path; the policy wants nobody on it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from local.azure_simulator import config as simulated
from local.azure_simulator.app_configuration.config import KeyValueConfig
from local.azure_simulator.launch import RunningSimulator, launch_simulator
from shared.adapters.app_configuration import AppConfigurationRouting
from shared.model.policy import Policy
from shared.model.policy_roads import AppConfigurationRoad
from shared.model.policy_text import read_policy
from shared.ports import Aim
from tests.contract.roads.world import RoadWorld

AIM = Aim(rollback_id="r1", component="checkout", known_good="b1")
FLAG = "checkout"
KEY = f".appconfig.featureflag/{FLAG}"
CONTENT_TYPE = "application/vnd.microsoft.appconfig.ff+json;charset=utf-8"
# `ann` is named, `bob` is in a group that is, and `cy` is anybody.
VISITORS = ({"user": "ann"}, {"user": "bob", "groups": "staff"}, {"user": "cy"})
QUICK = simulated.Timings(key_value_settles_s=0.0, feature_refresh_s=0.05)
_POLICY = """\
workload: shop
site: {{resource: "{site}", url: "{url}"}}
signals:
  error_rate: {{probe: /health, share: failed}}
triggers:
  critical: [{{name: errors, when: error_rate > 5%}}]
roads:
  checkout: {{app_configuration: "{store}", flag: checkout}}
levels:
  1:
    roads: [checkout]
    verify: {{checks: {{on_old_path: {{get: "/features/checkout?user=ann", expect: {{on: false}}}}}}}}
"""

type Json = dict[str, Any]


def make_flag(percent: float, *, enabled: bool = True) -> Json:
    """A flag with both kinds of filter that know a percentage, and more that must stay as it is."""
    audience = {
        "Users": ["ann"],
        "Groups": [{"Name": "staff", "RolloutPercentage": 100}],
        "DefaultRolloutPercentage": percent,
        "Exclusion": {"Users": ["dan"], "Groups": []},
    }
    filters = [
        {"name": "Microsoft.Targeting", "parameters": {"Audience": audience}},
        {"name": "Microsoft.Percentage", "parameters": {"Value": percent, "Salt": "é"}},
    ]
    conditions = {"requirement_type": "Any", "client_filters": filters}
    flag = {"id": FLAG, "description": "new – checkout", "enabled": enabled, "conditions": conditions}
    return flag | {"variants": [], "telemetry": {"enabled": True}, "x-team": {"of": [1, 2.5, None]}}


def make_config() -> simulated.SimulatorConfig:
    slots = {"production": simulated.SlotConfig(build="b1")}
    return simulated.SimulatorConfig(
        sites=[simulated.SiteConfig(name="demo", slots=slots)],
        key_values=[KeyValueConfig(**key_value(make_flag(0, enabled=False)))],
        timings=QUICK,
    )


@contextmanager
def app_configuration_world() -> Iterator[RoadWorld]:
    with launch_simulator(make_config()) as simulator:
        policy = _policy(simulator)
        yield RoadWorld(
            simulator=simulator,
            environment=simulator.identity_environment,
            policy=policy,
            road=road_of(policy),
            aim=AIM,
            new_routing=AppConfigurationRouting,
            steer_away=lambda: put_flag(simulator, make_flag(100)),
            seen_good=lambda: not users_on(simulator),
            effects=lambda: int(simulator.control("GET", "/state")["calls"].get("key_value_write", 0)),
            read_api="key_value_read",
            write_api="key_value_write",
        )


def _policy(simulator: RunningSimulator) -> Policy:
    site = simulator.control("GET", "/state")["sites"]["demo"]["resource_id"]
    text = _POLICY.format(site=site, url=simulator.front_doors["demo"], store=simulator.url)
    return read_policy(text, file="shop.yaml", settings={})


def road_of(policy: Policy) -> AppConfigurationRoad:
    road = policy.roads["checkout"]
    assert isinstance(road, AppConfigurationRoad)
    return road


def key_value(flag: Json, **more: Any) -> Json:
    return {"key": KEY, "content_type": CONTENT_TYPE, "value": json.dumps(flag), "tags": {"team": "a"}, **more}


def put_flag(simulator: RunningSimulator, flag: Json, **more: Any) -> None:
    """Behind everybody's back, known to the sites at once."""
    simulator.control("PUT", "/key_values", key_value(flag, **more))


def stored(simulator: RunningSimulator, label: str = "") -> Json:
    """The key-value of the flag as the store has it."""
    all_of_them = simulator.control("GET", "/state")["app_configuration"]["key_values"]
    (found,) = [each for each in all_of_them if (each["key"], each["label"]) == (KEY, label)]
    return dict(found)


def stored_flag(simulator: RunningSimulator, label: str = "") -> Json:
    flag: Json = json.loads(stored(simulator, label)["value"])
    return flag


def users_on(simulator: RunningSimulator) -> set[str]:
    """Who is on the flag, as the site itself says."""
    pages = [httpx.get(f"{simulator.front_doors['demo']}/features/{FLAG}", params=visitor) for visitor in VISITORS]
    return {page.json()["user"] for page in pages if page.json()["on"]}
