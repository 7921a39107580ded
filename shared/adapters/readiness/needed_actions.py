"""What the app's identity must be allowed to do for each kind of road, and on what: infra/README.md says the same."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from shared.model.policy import Policy
from shared.model.policy_roads import (
    AppConfigurationRoad,
    DnsRoad,
    FrontDoorRoad,
    RoadBase,
    SlotSwapRoad,
    SlotTrafficRoad,
    TrafficManagerRoad,
)

_SITES = "Microsoft.Web/sites"
_PROFILES = "Microsoft.Network/trafficManagerProfiles"
_ORIGIN_GROUPS = "Microsoft.Cdn/profiles/originGroups"
_ZONES = "Microsoft.Network/dnsZones"
_KEY_VALUES = "Microsoft.AppConfiguration/configurationStores/keyValues"
_ENDPOINTS = ("azureEndpoints", "externalEndpoints", "nestedEndpoints")
_SWAP = (
    "Microsoft.Resources/subscriptions/resourceGroups/read",
    f"{_SITES}/read",
    f"{_SITES}/slots/read",
    f"{_SITES}/config/list/action",
    f"{_SITES}/slots/config/list/action",
    f"{_SITES}/slots/slotsswap/action",
    f"{_SITES}/resetSlotConfig/action",
    f"{_SITES}/operationresults/read",
    f"{_SITES}/slots/operationresults/read",
)
_SLOT_TRAFFIC = (
    f"{_SITES}/config/read",
    f"{_SITES}/config/write",
    f"{_SITES}/config/list/action",
    f"{_SITES}/slots/read",
)


@dataclass(frozen=True, slots=True)
class Needs:
    """Actions on a resource, and the data actions among them apart: a role gives them apart, too."""

    scope: str
    actions: tuple[str, ...]
    data_actions: tuple[str, ...] = ()


def needs_of(policy: Policy, name: str, road: RoadBase) -> Needs | None:
    """Return what a road needs; `None` when nothing of Azure's, or when nobody knows on what."""
    found = _NEEDS[type(road)](policy, road) if type(road) in _NEEDS else None
    if found is None:
        return None
    scope = policy.readiness.scopes.get(name, found.scope)
    return Needs(scope, found.actions, found.data_actions) if scope else None


def _of_endpoints(_: Policy, road: TrafficManagerRoad) -> Needs:
    actions = [f"{_PROFILES}/{kind}/{verb}" for kind in _ENDPOINTS for verb in ("read", "write")]
    return Needs(road.traffic_manager, (f"{_PROFILES}/read", *actions))


def _of_records(_: Policy, road: DnsRoad) -> Needs:
    kinds = sorted({"CNAME" if wanted.cname else "A" for wanted in road.records.values()})
    return Needs(road.dns, (f"{_ZONES}/read", *(f"{_ZONES}/{kind}/{verb}" for kind in kinds for verb in _VERBS)))


_VERBS = ("read", "write")
_NEEDS: Mapping[type[RoadBase], Callable[[Policy, Any], Needs]] = {
    SlotSwapRoad: lambda policy, _: Needs(policy.site.resource, _SWAP),
    SlotTrafficRoad: lambda policy, _: Needs(policy.site.resource, _SLOT_TRAFFIC),
    TrafficManagerRoad: _of_endpoints,
    FrontDoorRoad: lambda _, road: Needs(
        road.front_door, (f"{_ORIGIN_GROUPS}/read", *(f"{_ORIGIN_GROUPS}/origins/{verb}" for verb in _VERBS))
    ),
    DnsRoad: _of_records,
    AppConfigurationRoad: lambda *_: Needs("", (), tuple(f"{_KEY_VALUES}/{verb}" for verb in _VERBS)),
}
