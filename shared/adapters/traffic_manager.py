"""Traffic Manager: weight and status of endpoints, set one by one.

Endpoints have no ETag, so that the last writer wins; all values are absolute and what is as wanted is left alone. Those
that are to serve are written first: until then the others still do. An endpoint that is disabled is not probed, so that
nothing is known of its health before it is enabled.
https://learn.microsoft.com/azure/traffic-manager/traffic-manager-monitoring
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Any

from shared.adapters.azure_clients import NO_WAITING, ArmAccess, ArmClients
from shared.adapters.azure_errors import translated
from shared.adapters.evidence import picture
from shared.adapters.writes import Writes
from shared.errors import OutcomeUnknown, PermanentError
from shared.model.policy import Policy
from shared.model.policy_roads import Part, TrafficManagerRoad
from shared.ports import Aim, Fence, RoadPicture

if TYPE_CHECKING:
    from azure.mgmt.trafficmanager import TrafficManagerManagementClient
    from azure.mgmt.trafficmanager.models import Endpoint

_ENABLED, _DISABLED = "Enabled", "Disabled"
_DOWN = frozenset({"degraded", "stopped"})


def traffic_manager_client() -> "type[TrafficManagerManagementClient]":
    """Import the SDK of Traffic Manager."""
    from azure.mgmt.trafficmanager import TrafficManagerManagementClient

    return TrafficManagerManagementClient


@dataclass(frozen=True, slots=True)
class _Endpoint:
    """An endpoint as it stands; `kind` is its type as the address of an endpoint spells it."""

    name: str
    kind: str
    enabled: bool
    weight: int | None
    health: str
    target: str

    def stands_at(self, part: Part) -> bool:
        return not self.enabled if part == "disabled" else self.enabled and self.weight == part

    @property
    def is_down(self) -> bool:
        return self.health.lower() in _DOWN


@dataclass(frozen=True, slots=True)
class _Profile:
    """A profile as it stands, its endpoints by their names in lower case."""

    name: str
    enabled: bool
    routing: str
    endpoints: Mapping[str, _Endpoint]

    def limitation(self, wanted: Mapping[str, Part]) -> str | None:
        """Return why the endpoints cannot or must not be set like this; `None` means that they can."""
        if unknown := sorted(wanted.keys() - self.endpoints.keys()):
            there = ", ".join(sorted(each.name for each in self.endpoints.values()))
            return f"Traffic Manager profile {self.name} has no endpoint {', '.join(unknown)}; it has {there or 'none'}"
        if not self.enabled:
            return (
                f"Traffic Manager profile {self.name} is disabled: its name leads nowhere, whatever its endpoints are"
            )
        serving = [each for key, each in self.endpoints.items() if self._would_serve(each, wanted.get(key))]
        if serving and all(each.is_down for each in serving):
            seen = ", ".join(f"{each.name} is {each.health}" for each in serving)
            return f"nothing that would serve in Traffic Manager profile {self.name} is healthy: {seen}"
        return None

    @staticmethod
    def _would_serve(endpoint: _Endpoint, part: Part | None) -> bool:
        return endpoint.enabled if part is None else part != "disabled"

    def to_write(self, wanted: Mapping[str, Part]) -> list[tuple[_Endpoint, Part]]:
        """Return what is not as wanted; what is to serve comes first, so that something always does."""
        parts = sorted(wanted.items(), key=lambda entry: entry[1] == "disabled")
        return [(self.endpoints[key], part) for key, part in parts if not self.endpoints[key].stands_at(part)]


class TrafficManagerRouting:
    """Fulfils `ports.Routing[TrafficManagerRoad]`."""

    def __init__(self, arm: ArmAccess) -> None:
        self._clients = ArmClients(arm, traffic_manager_client)

    def look(self, policy: Policy, road: TrafficManagerRoad, aim: Aim) -> RoadPicture:
        return _picture(self._read(road), _wanted(road))

    def establish(self, policy: Policy, road: TrafficManagerRoad, aim: Aim, fence: Fence) -> None:
        profile, wanted = self._read(road), _wanted(road)
        if why_not := _picture(profile, wanted).why_not:
            raise PermanentError(why_not)
        writes = Writes(fence)
        for endpoint, part in profile.to_write(wanted):
            writes.carry_out(f"endpoint {endpoint.name} to {part}", partial(self._write, road, endpoint, part))

    def _read(self, road: TrafficManagerRoad) -> _Profile:
        group, name = _names(road)
        with translated(f"reading Traffic Manager profile {name}"):
            found = self._clients.of(road.traffic_manager).profiles.get(group, name, **NO_WAITING)
            if found.properties is None:
                raise OutcomeUnknown(f"reading Traffic Manager profile {name}: the answer names no profile")
            endpoints = [_endpoint(each) for each in found.properties.endpoints or ()]
            return _Profile(
                name=name,
                enabled=_is_enabled(found.properties.profile_status),
                routing=_text(found.properties.traffic_routing_method),
                endpoints={each.name.lower(): each for each in endpoints},
            )

    def _write(self, road: TrafficManagerRoad, endpoint: _Endpoint, part: Part) -> None:
        from azure.mgmt.trafficmanager.models import Endpoint, EndpointProperties

        group, name = _names(road)
        properties = (
            EndpointProperties(endpoint_status=_DISABLED)
            if part == "disabled"
            else EndpointProperties(endpoint_status=_ENABLED, weight=part)
        )
        with translated(f"setting endpoint {endpoint.name} of Traffic Manager profile {name} to {part}"):
            self._clients.of(road.traffic_manager).endpoints.update(
                group, name, endpoint.kind, endpoint.name, Endpoint(properties=properties), **NO_WAITING
            )


def _picture(profile: _Profile, wanted: Mapping[str, Part]) -> RoadPicture:
    all_there = wanted.keys() <= profile.endpoints.keys()
    return picture(
        established=all_there and profile.enabled and not profile.to_write(wanted),
        why_not=profile.limitation(wanted),
        shown=_shown(profile),
    )


def _endpoint(found: "Endpoint") -> _Endpoint:
    return _Endpoint(
        name=str(found.name),
        kind=str(found.type).rsplit("/", 1)[1],
        enabled=_is_enabled(found.endpoint_status),
        weight=found.weight,
        health=_text(found.endpoint_monitor_status),
        target=str(found.target or ""),
    )


def _is_enabled(status: str | None) -> bool:
    return _text(status).lower() == _ENABLED.lower()


def _text(word: str | None) -> str:
    """Return a word as Azure sent it: the SDK makes members of its enumerations of those that it knows."""
    return str(word.value if isinstance(word, Enum) else word or "")


def _wanted(road: TrafficManagerRoad) -> dict[str, Part]:
    return {name.lower(): part for name, part in road.endpoints.items()}


def _shown(profile: _Profile) -> dict[str, Any]:
    endpoints = {
        each.name: {
            "status": _ENABLED if each.enabled else _DISABLED,
            "weight": each.weight,
            "health": each.health,
            "target": each.target,
        }
        for each in profile.endpoints.values()
    }
    return {"status": _ENABLED if profile.enabled else _DISABLED, "routing": profile.routing, "endpoints": endpoints}


def _names(road: TrafficManagerRoad) -> tuple[str, str]:
    """Return the resource group and the name in the profile's ARM id."""
    parts = road.traffic_manager.split("/")
    return parts[4], parts[8]
