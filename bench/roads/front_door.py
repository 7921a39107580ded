"""The road over Azure Front Door: origin `blue` serves the good build, `green` another one.

Azure takes minutes for each change; here the platform is quicker than the simulator usually is, so that a score of runs
ends within minutes. To steer is two changes, and the second sets out when the first has arrived at every edge.
"""

from collections.abc import Sequence

from bench.roads.road import GOOD_BUILD, Json, Place, Road, level
from local.azure_simulator.afd.config import AfdGroupConfig, AfdOriginConfig, AfdProfileConfig
from local.azure_simulator.config import PRODUCTION, SiteConfig, SlotConfig, Timings

_BUILDS = {"blue": GOOD_BUILD, "green": "bad"}
_GROUP = "web"
_EDGES = 2
_TIMINGS = Timings(afd_update_s=5, afd_propagation_s=10, afd_propagation_step_s=10)
_CHANGES = 2


def _profiles(names: Sequence[str]) -> Json:
    origins = [AfdOriginConfig(name=name, host_name=f"{name}.azurewebsites.net") for name in _BUILDS]
    profiles = [
        AfdProfileConfig(name=name, edges=_EDGES, groups=[AfdGroupConfig(name=_GROUP, endpoint=name, origins=origins)])
        for name in names
    ]
    sites = [SiteConfig(name=name, slots={PRODUCTION: SlotConfig(build=build)}) for name, build in _BUILDS.items()]
    return {"sites": sites, "afd_profiles": profiles, "timings": _TIMINGS}


def _policy(place: Place) -> Json:
    groups = place.control("GET", "/state")["afd"][place.workload]["groups"]
    url = place.rig.simulator.afd_endpoints[place.workload]
    road = {
        "front_door": groups[_GROUP]["resource_id"],
        "url": url,
        "origins": {"blue": 1000, "green": "disabled"},
    }
    return {
        "site": place.site(url),
        "roads": {"front": road},
        "levels": level("front"),
    }


def _turn(place: Place, _: str) -> None:
    for origin, enabled in (("green", "Enabled"), ("blue", "Disabled")):
        place.control("PUT", f"/afd/{place.workload}/{_GROUP}/{origin}", {"enabled": enabled})


FRONT_DOOR = Road(
    lanes=7,
    rounds=3,
    platform_s=_TIMINGS.model_dump(exclude_unset=True) | {"edges": _EDGES, "changes": _CHANGES},
    world=_profiles,
    policy=_policy,
    steer_away=_turn,
)
