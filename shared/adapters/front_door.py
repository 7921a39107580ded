"""Origins of Azure Front Door (Standard and Premium) through Azure Resource Manager.

A profile carries out one change at a time and answers 409 to the next one. A change that is done still has to reach the
edges, for which Microsoft allows 20 minutes, and Azure was not seen to tell when it has: `deploymentStatus` stays
`NotStarted`. So `established` speaks of the configuration; what the edges do is seen from outside alone.
https://learn.microsoft.com/azure/frontdoor/front-door-faq, https://learn.microsoft.com/azure/frontdoor/origin
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from shared.adapters.azure_clients import NO_WAITING, ArmAccess, ArmClients
from shared.adapters.azure_errors import translated
from shared.adapters.evidence import picture
from shared.adapters.writes import Writes
from shared.errors import OutcomeUnknown, PermanentError
from shared.model.policy import Policy
from shared.model.policy_roads import FrontDoorRoad, Part
from shared.ports import Aim, Fence, RoadPicture

if TYPE_CHECKING:
    from azure.mgmt.cdn import CdnManagementClient
    from azure.mgmt.cdn.models import AFDOrigin

_UNDER_WAY = frozenset({"creating", "updating", "deleting"})


def cdn_client() -> "type[CdnManagementClient]":
    """Import the SDK of Front Door."""
    from azure.mgmt.cdn import CdnManagementClient

    return CdnManagementClient


@dataclass(frozen=True, slots=True)
class _Origin:
    """An origin as it was read. Azure writes the words of its states in any case."""

    name: str
    enabled: str
    weight: int | None
    priority: int | None
    provisioning: str
    deployment: str

    @property
    def busy(self) -> bool:
        return self.provisioning.lower() in _UNDER_WAY or self.deployment.lower() == "inprogress"

    @property
    def serves(self) -> bool:
        return self.enabled.lower() == "enabled" and self.provisioning.lower() == "succeeded"

    def is_as(self, part: Part) -> bool:
        """A change that failed may show its values, though the edges were never told of them."""
        if self.provisioning.lower() == "failed":
            return False
        if part == "disabled":
            return self.enabled.lower() == "disabled"
        return self.enabled.lower() == "enabled" and self.weight == part

    @property
    def shown(self) -> Mapping[str, Any]:
        return {
            "enabled": self.enabled,
            "weight": self.weight,
            "priority": self.priority,
            "provisioning": self.provisioning,
            "deployment": self.deployment,
        }


class FrontDoorRouting:
    """Fulfils `ports.Routing[FrontDoorRoad]`."""

    def __init__(self, arm: ArmAccess) -> None:
        self._clients = ArmClients(arm, cdn_client)

    def look(self, policy: Policy, road: FrontDoorRoad, aim: Aim) -> RoadPicture:
        return _picture(road, self._origins(road))

    def establish(self, policy: Policy, road: FrontDoorRoad, aim: Aim, fence: Fence) -> None:
        found = self._origins(road)
        if why_not := _picture(road, found).why_not:
            raise PermanentError(why_not)
        stays = any(found[name.lower()].serves for name, part in road.origins.items() if part != "disabled")
        # The profile may still carry out the write before, and refuse the next one until it has.
        writes = Writes(fence)
        for name, part in _enabled_first(road):
            if found[name.lower()].is_as(part):
                continue
            if part == "disabled" and not stays:
                raise OutcomeUnknown(f"origin {name} is disabled when another one is seen enabled in its place")
            stays |= writes.carry_out(f"origin {name} to {_said(part)}", partial(self._set, road, name, part))

    def _origins(self, road: FrontDoorRoad) -> dict[str, _Origin]:
        """Return all origins of the group by their name in lower case."""
        group, profile, origin_group = _names(road)
        with translated(f"reading origin group {origin_group}"):
            listed = self._clients.of(road.front_door).afd_origins.list_by_origin_group(
                group, profile, origin_group, **NO_WAITING
            )
            return {str(origin.name).lower(): _read(origin) for origin in listed}

    def _set(self, road: FrontDoorRoad, name: str, part: Part) -> bool:
        """Return whether it is done already; a change that was accepted can still fail."""
        from azure.mgmt.cdn.models import AFDOriginUpdateParameters, AFDOriginUpdatePropertiesParameters

        from shared.adapters.arm_operations import OneLook

        wanted = (
            AFDOriginUpdatePropertiesParameters(enabled_state="Disabled")
            if part == "disabled"
            else AFDOriginUpdatePropertiesParameters(enabled_state="Enabled", weight=part)
        )
        with translated(f"setting origin {name} to {_said(part)}"):
            poller = self._clients.of(road.front_door).afd_origins.begin_update(
                *_names(road),
                name,
                AFDOriginUpdateParameters(properties=wanted),
                polling=OneLook(**NO_WAITING),
                **NO_WAITING,
            )
            return poller.status().lower() == "succeeded"


def _picture(road: FrontDoorRoad, found: Mapping[str, _Origin]) -> RoadPicture:
    why_not = _missing(road, found)
    return picture(
        established=why_not is None and all(found[name.lower()].is_as(part) for name, part in road.origins.items()),
        busy=any(origin.busy for origin in found.values()),
        why_not=why_not,
        shown={"origins": {origin.name: origin.shown for origin in found.values()}},
    )


def _said(part: Part) -> str:
    return "disabled" if part == "disabled" else f"weight {part}"


def _read(origin: "AFDOrigin") -> _Origin:
    properties: Mapping[str, Any] = origin.properties or {}
    return _Origin(
        name=str(origin.name),
        enabled=str(properties.get("enabledState") or ""),
        weight=properties.get("weight"),
        priority=properties.get("priority"),
        provisioning=str(properties.get("provisioningState") or ""),
        deployment=str(properties.get("deploymentStatus") or ""),
    )


def _missing(road: FrontDoorRoad, found: Mapping[str, _Origin]) -> str | None:
    missing = [name for name in road.origins if name.lower() not in found]
    if not missing:
        return None
    there = ", ".join(origin.name for origin in found.values()) or "none"
    return f"origin group {_names(road)[2]} has no origin {', '.join(missing)}; there is: {there}"


def _enabled_first(road: FrontDoorRoad) -> Iterator[tuple[str, Part]]:
    """There must be no moment at which nobody is served."""
    yield from sorted(road.origins.items(), key=lambda entry: entry[1] == "disabled")


def _names(road: FrontDoorRoad) -> tuple[str, str, str]:
    """Return the resource group, the profile and the origin group in the road's ARM id."""
    parts = road.front_door.split("/")
    return parts[4], parts[8], parts[10]
