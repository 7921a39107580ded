"""The rows of the matrix: every kind of road, the calls it makes, and how the world is asked from outside.

What a road wants and how traffic is steered away are those of the contract tests (`tests/contract/roads`), here in one
world.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from local.azure_simulator.faults import Api
from local.azure_simulator.launch import RunningSimulator
from tests.contract.roads import (
    app_configuration_world,
    dns_world,
    front_door_world,
    hook_world,
    slot_traffic_world,
    traffic_manager_world,
)
from tests.contract.roads.lookup import looked_up
from tests.scenarios.answer_matrix import outside

SWAP_SITE = "orders"
GOOD_SLOT = "last-good"

type State = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoadKind:
    """A kind of road.

    Attributes:
        site: The site of the policy.
        text: The keys of the road in a policy, from the simulator and its state.
        calls: What it calls, and how many different things one look asks, or one act sets, of each API.
        steer_away: Traffic goes to the bad side, behind everybody's back; for the swap the world does it.
        seen_good: Whether people are served the good side, asked from outside.
        is_busy: Whether Azure still carries out what the road set in motion; `None` where it is done at once.
        checks: What a level must check besides, where the road has no proof of its own from outside.
    """

    name: str
    site: str
    text: Callable[[RunningSimulator, State], str]
    calls: Mapping[Api, int]
    steer_away: Callable[[RunningSimulator], object]
    seen_good: Callable[[RunningSimulator], bool]
    is_busy: Callable[[State], bool] | None = None
    checks: str = ""


def _hook_text(simulator: RunningSimulator, _: State) -> str:
    return (
        f'hook: "{simulator.url}/hook/orders", read_back: "{simulator.url}/hook/state?of=shop", '
        f"expect: {{traffic.target: blue, traffic.share: 1.0}}, secret: {hook_world.SECRET}"
    )


def _profile_text(simulator: RunningSimulator, state: State) -> str:
    profile = state["traffic_manager"]["shop"]["resource_id"]
    return (
        f'traffic_manager: "{profile}", name: {traffic_manager_world.NAME}, '
        f"endpoints: {{blue: 1000, green: disabled}}, resolves_to: [blue.example.net], "
        f"resolvers: {list(simulator.resolvers)}"
    )


def _zone_text(simulator: RunningSimulator, state: State) -> str:
    zone = state["dns_zones"]["example.com"]["resource_id"]
    return (
        f'dns: "{zone}", ttl: 30s, resolvers: {list(simulator.resolvers)}, '
        f"records: {{www: {{cname: blue.example.net}}, api: {{a: {dns_world.GOOD_ADDRESSES}}}}}"
    )


def _front_text(simulator: RunningSimulator, state: State) -> str:
    group = state["afd"]["edge"]["groups"]["web"]["resource_id"]
    return f'front_door: "{group}", url: "{simulator.afd_endpoints["shop"]}", origins: {{blue: 1000, green: disabled}}'


SLOT_SWAP = RoadKind(
    name="slot_swap",
    site=SWAP_SITE,
    text=lambda *_: f"slot_swap: {GOOD_SLOT}",
    # The settings of production and of the slot.
    calls={
        Api.SITE_READ: 1,
        Api.APP_SETTINGS: 2,
        Api.SWAP: 1,
        Api.SWAP_PREVIEW: 1,
        Api.OPERATION: 1,
        Api.TOKEN: 1,
    },
    steer_away=lambda _: None,
    seen_good=lambda simulator: outside.builds_served(simulator.front_doors[SWAP_SITE]) == {"b1"},
    is_busy=lambda state: state["sites"][SWAP_SITE]["in_progress_operation_id"] is not None,
)
SLOT_TRAFFIC = RoadKind(
    name="slot_traffic",
    site="demo",
    text=lambda *_: f"slot_traffic: {slot_traffic_world.SLOT}",
    calls={Api.SITE_READ: 1, Api.WEB_CONFIG: 1, Api.APP_SETTINGS: 1, Api.WEB_CONFIG_WRITE: 1, Api.TOKEN: 1},
    steer_away=lambda simulator: slot_traffic_world.route(
        simulator, slot_traffic_world.rule(slot_traffic_world.SLOT, slot_traffic_world.HOST, 100)
    ),
    seen_good=outside.is_off_the_candidate,
)
TRAFFIC_MANAGER = RoadKind(
    name="traffic_manager",
    site="demo",
    text=_profile_text,
    # Two endpoints are written.
    calls={Api.TRAFFIC_MANAGER_READ: 1, Api.TRAFFIC_MANAGER_WRITE: 2, Api.TOKEN: 1},
    steer_away=lambda simulator: traffic_manager_world.steer(simulator, good="green", bad="blue"),
    seen_good=lambda simulator: looked_up(simulator, traffic_manager_world.NAME) == {"blue.example.net"},
)
FRONT_DOOR = RoadKind(
    name="front_door",
    site="blue",
    text=_front_text,
    # Two origins are written.
    calls={Api.AFD_READ: 1, Api.AFD_WRITE: 2, Api.TOKEN: 1},
    steer_away=lambda simulator: front_door_world.steer(simulator, good="green", bad="blue"),
    seen_good=outside.is_front_good,
    is_busy=lambda state: bool(state["afd"]["edge"]["updating"]),
)
DNS = RoadKind(
    name="dns",
    site="demo",
    text=_zone_text,
    # Two record sets; of one that is not found the zone and what might be in its way are read, too.
    calls={Api.DNS_ZONES_READ: 11, Api.DNS_ZONES_WRITE: 2, Api.TOKEN: 1},
    steer_away=dns_world.steer_away,
    seen_good=dns_world.is_seen_good,
)
APP_CONFIGURATION = RoadKind(
    name="app_configuration",
    site="demo",
    text=lambda simulator, _: f'app_configuration: "{simulator.url}", flag: {app_configuration_world.FLAG}',
    calls={Api.KEY_VALUE_READ: 1, Api.KEY_VALUE_WRITE: 1, Api.TOKEN: 1},
    steer_away=lambda simulator: app_configuration_world.put_flag(simulator, app_configuration_world.make_flag(100)),
    seen_good=outside.is_flag_off,
    checks='off: {get: "/features/checkout?user=ann", expect: {on: false}}',
)
HOOK = RoadKind(
    name="hook",
    site="demo",
    text=_hook_text,
    calls={Api.HOOK_READ: 1, Api.HOOK_CALL: 1},
    steer_away=lambda simulator: hook_world.turn(simulator, "green"),
    seen_good=outside.is_switch_good,
)
ROADS = (SLOT_SWAP, SLOT_TRAFFIC, TRAFFIC_MANAGER, FRONT_DOOR, DNS, APP_CONFIGURATION, HOOK)


def other_road(road: RoadKind) -> RoadKind:
    """Return a road that needs nothing of what the first one calls: no fault of that one is a fault of this one."""
    return SLOT_TRAFFIC if road is HOOK else HOOK
