"""A shop whose flag `checkout` decides who is on the new, bad path; the policy wants nobody on it."""

import json
from contextlib import AbstractContextManager
from typing import Any

import httpx

from local.azure_simulator import config as simulated
from local.azure_simulator.app_configuration.config import KeyValueConfig
from local.azure_simulator.launch import RunningSimulator
from shared.adapters.app_configuration import AppConfigurationRouting
from shared.model.policy_roads import AppConfigurationRoad
from tests.contract.roads.world import Json, RoadWorld, launched, shop_policy, site_with

FLAG = "checkout"
KEY = f".appconfig.featureflag/{FLAG}"
CONTENT_TYPE = "application/vnd.microsoft.appconfig.ff+json;charset=utf-8"
# `ann` is named, `bob` is in a group that is, and `cy` is anybody.
VISITORS = ({"user": "ann"}, {"user": "bob", "groups": "staff"}, {"user": "cy"})
QUICK = simulated.Timings(key_value_settles_s=0.0, feature_refresh_s=0.05)
_ROADS = """\
roads:
  checkout: {{app_configuration: "{store}", flag: checkout}}
levels:
  1:
    roads: [checkout]
    verify: {{checks: {{on_old_path: {{get: "/features/checkout?user=ann", expect: {{on: false}}}}}}}}
"""


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
    return simulated.SimulatorConfig(
        sites=[site_with()],
        key_values=[KeyValueConfig(**key_value(make_flag(0, enabled=False)))],
        timings=QUICK,
    )


def app_configuration_world() -> AbstractContextManager[RoadWorld[AppConfigurationRoad]]:
    return launched(
        make_config(),
        AppConfigurationRoad,
        policy=lambda simulator: shop_policy(simulator, _ROADS.format(store=simulator.url)),
        routing=lambda _: AppConfigurationRouting(),
        steer_away=lambda simulator: put_flag(simulator, make_flag(100)),
        seen_good=lambda simulator: not users_on(simulator),
        read_api="key_value_read",
        write_api="key_value_write",
    )


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
