"""The two roads of App Service's own: swapping slots, and taking traffic from a slot."""

from collections.abc import Sequence

from bench.roads.road import GOOD_BUILD, Json, Place, Road, level, simulated
from local.azure_simulator.config import PRODUCTION, SiteConfig, SlotConfig

_GOOD_SLOT = "last-good"
_CANDIDATE = "candidate"
_CANDIDATE_PERCENT = 50.0


def _sites_with(slot: str, names: Sequence[str]) -> Json:
    slots = {PRODUCTION: SlotConfig(build=GOOD_BUILD), slot: SlotConfig(build=GOOD_BUILD)}
    return {"sites": [SiteConfig(name=name, slots=slots) for name in names]}


def _own_front(place: Place) -> str:
    return place.rig.simulator.front_doors[place.workload]


def _deploy(place: Place, build: str, slot: str) -> None:
    place.control("POST", f"/sites/{place.workload}/deploy", {"slot": slot, "build": build})


def _put_into_production(place: Place, bad: str) -> None:
    _deploy(place, GOOD_BUILD, _GOOD_SLOT)
    _deploy(place, bad, PRODUCTION)


def _route_to_candidate(place: Place, bad: str) -> None:
    _deploy(place, bad, _CANDIDATE)
    host = f"{place.workload}-{_CANDIDATE}.azurewebsites.net"
    rule = {"name": _CANDIDATE, "actionHostName": host, "reroutePercentage": _CANDIDATE_PERCENT}
    place.control("PUT", f"/sites/{place.workload}/routing", {"rules": [rule]})


SLOT_SWAP = Road(
    lanes=3,
    rounds=7,
    platform_s=simulated("swap_s", "swap_jitter_s", "post_swap_503_s"),
    world=lambda names: _sites_with(_GOOD_SLOT, names),
    policy=lambda place: {
        "site": place.site(_own_front(place), good_slot=_GOOD_SLOT),
        "levels": level("slot_swap"),
    },
    steer_away=_put_into_production,
)
SLOT_TRAFFIC = Road(
    lanes=2,
    rounds=10,
    platform_s=simulated("ramp_up_s"),
    world=lambda names: _sites_with(_CANDIDATE, names),
    policy=lambda place: {
        "site": place.site(_own_front(place)),
        "roads": {"split": {"slot_traffic": _CANDIDATE}},
        "levels": level("split"),
    },
    steer_away=_route_to_candidate,
)
