"""How people see the world: asked over fresh connections, never through an adapter of the product."""

import json
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from local.azure_simulator.launch import RunningSimulator
from tests.contract.roads import app_configuration_world, front_door_world, hook_world, slot_traffic_world

_WITHIN_S = 10.0
_FRESH = 3


def builds_served(url: str, *pinned_to: str) -> set[str]:
    """The builds that fresh clients are served, and those that were sent to a slot before."""
    cookies = [*[""] * _FRESH, *(f"x-ms-routing-name={slot}" for slot in pinned_to)]
    return {_build(url, cookie) for cookie in cookies}


def is_off_the_candidate(simulator: RunningSimulator) -> bool:
    return builds_served(simulator.front_doors["demo"], slot_traffic_world.SLOT) == {"b1"}


def is_front_good(simulator: RunningSimulator) -> bool:
    served = [builds_served(simulator.afd_endpoints["shop"]) for _ in range(front_door_world.CONNECTIONS // 2)]
    return set.union(*served) == {"b1"}


def is_flag_off(simulator: RunningSimulator) -> bool:
    """Nobody is on the new path, as the site itself says."""
    page = f"{simulator.front_doors['demo']}/features/{app_configuration_world.FLAG}"
    return not any(_on(f"{page}?{urlencode(visitor)}") for visitor in app_configuration_world.VISITORS)


def is_switch_good(simulator: RunningSimulator) -> bool:
    return bool(hook_world.hook_state(simulator)["state"]["traffic"]["target"] == "blue")


def _build(url: str, cookie: str) -> str:
    request = Request(url, headers={"Cookie": cookie} if cookie else {})  # noqa: S310  # the simulator's loopback URL
    with urlopen(request, timeout=_WITHIN_S) as answer:  # noqa: S310  # as above
        return str(answer.headers["x-build-id"])


def _on(url: str) -> bool:
    with urlopen(url, timeout=_WITHIN_S) as answer:  # noqa: S310  # as above
        return bool(json.load(answer)["on"])
