"""The roads that turn a switch: a feature flag in App Configuration, and whatever stands behind a hook.

All simulated sites hear of all flags together, so that the change of one workload may be heard with that of another,
before its own interval is over; a site of Azure's that asks every 30 s hears of it sooner, too, by chance.
"""

import json
from collections.abc import Sequence

from bench.roads.road import Json, Place, Road, level, simulated
from local.azure_simulator.app_configuration.config import KeyValueConfig
from local.azure_simulator.config import Timings
from local.azure_simulator.hook_target.config import HookTargetConfig

_CONTENT_TYPE = "application/vnd.microsoft.appconfig.ff+json;charset=utf-8"
_SECRET = "the secret of the benched hook"  # noqa: S105  # known to the simulator alone


def _flag(name: str, percent: float) -> Json:
    filters = [{"name": "Microsoft.Percentage", "parameters": {"Value": percent}}]
    flag = {"id": name, "enabled": percent > 0, "conditions": {"client_filters": filters}}
    return {"key": f".appconfig.featureflag/{name}", "content_type": _CONTENT_TYPE, "value": json.dumps(flag)}


def _flags(names: Sequence[str]) -> Json:
    return {"key_values": [KeyValueConfig(**_flag(name, 0)) for name in names]}


def _flag_policy(place: Place) -> Json:
    """The flag's own proof is that the store holds it; people are off it once the site has heard of it."""
    off = {"get": f"/features/{place.workload}?user=ann", "expect": {"on": False}}
    return {
        "site": place.site(),
        "roads": {"flag": {"app_configuration": place.rig.simulator.url, "flag": place.workload}},
        "levels": level("flag", verify={"checks": {"people_are_off": off}}),
    }


def _hook_policy(place: Place) -> Json:
    road = {
        "hook": f"{place.rig.simulator.url}/hook/orders",
        "read_back": f"{place.rig.simulator.url}/hook/state",
        "expect": {"traffic.target": "blue"},
        "secret": _SECRET,
    }
    return {"site": place.site(), "roads": {"switch": road}, "levels": level("switch")}


def _hook_state(target: str) -> Json:
    return {"traffic": {"target": target}}


APP_CONFIGURATION = Road(
    lanes=5,
    rounds=4,
    platform_s=simulated("key_value_settles_s") | {"feature_refresh_s_at_most": Timings().feature_refresh_s},
    world=_flags,
    policy=_flag_policy,
    steer_away=lambda place, _: place.control("PUT", "/key_values", _flag(place.workload, 100)),
)
# There is one switch for all: two workloads at once would turn each other's.
HOOK = Road(
    lanes=1,
    rounds=20,
    platform_s=simulated("hook_s"),
    world=lambda _: {"hook_target": HookTargetConfig(secret=_SECRET, state=_hook_state("blue"))},
    policy=_hook_policy,
    steer_away=lambda place, _: place.control("PUT", "/hook", {"state": _hook_state("green")}),
)
