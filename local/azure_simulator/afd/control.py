"""What a test does to Front Door: finds origins ill, changes them behind everybody's back, keeps clients on them."""

import time
from collections.abc import Mapping
from typing import Any

from aiohttp import web
from pydantic import Field

from local.azure_simulator.afd.config import LAST_PRIORITY, MOST_WEIGHT, Switch
from local.azure_simulator.afd.edges import Edge
from local.azure_simulator.afd.profiles import Origin, OriginGroup, Profile
from local.azure_simulator.afd.views import deployment_status, group_id
from local.azure_simulator.control.requests import ControlError, read_body
from local.azure_simulator.simulation import Simulation
from local.azure_simulator.strict_model import StrictModel

type Json = dict[str, Any]


class OriginChange(StrictModel):
    """What is not named stays. Every edge knows it at once."""

    enabled: Switch | None = None
    weight: int | None = Field(None, ge=1, le=MOST_WEIGHT)
    priority: int | None = Field(None, ge=1, le=LAST_PRIORITY)
    healthy: bool | None = None


class GroupChange(StrictModel):
    session_affinity: bool


class ProfileChange(StrictModel):
    reports_deployment: bool


class AfdControl:
    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation

    def routes(self) -> list[web.RouteDef]:
        return [
            web.put("/_control/afd/{profile}", self.change_profile),
            web.put("/_control/afd/{profile}/{group}", self.change_group),
            web.put("/_control/afd/{profile}/{group}/{origin}", self.change_origin),
        ]

    async def change_profile(self, request: web.Request) -> web.Response:
        change = await read_body(request, ProfileChange)
        profile = self._profile(request.match_info["profile"])
        profile.reports_deployment = change.reports_deployment
        return web.json_response(_profile_state(self._simulation, profile))

    async def change_group(self, request: web.Request) -> web.Response:
        change = await read_body(request, GroupChange)
        profile, group = self._group(request.match_info)
        group.session_affinity = change.session_affinity
        profile.publish_now()
        return web.json_response(_group_state(self._simulation, profile, group))

    async def change_origin(self, request: web.Request) -> web.Response:
        change = await read_body(request, OriginChange)
        profile, group = self._group(request.match_info)
        origin = group.origins.get(request.match_info["origin"].casefold())
        if origin is None:
            raise ControlError(f"There is no origin {request.match_info['origin']!r} in {group.name!r}.")
        written = {"enabledState": change.enabled, "weight": change.weight, "priority": change.priority}
        origin.properties |= {name: value for name, value in written.items() if value is not None}
        origin.provisioning, origin.deployed_at_s = "Succeeded", None
        if change.healthy is not None:
            origin.is_healthy = change.healthy
        profile.publish_now()
        return web.json_response(_origin_state(profile, origin))

    def _profile(self, name: str) -> Profile:
        profile = self._simulation.afd_profiles.get(name.casefold())
        if profile is None:
            raise ControlError(f"There is no Front Door profile {name!r}.")
        return profile

    def _group(self, names: Mapping[str, str]) -> tuple[Profile, OriginGroup]:
        profile = self._profile(names["profile"])
        group = profile.groups.get(names["group"].casefold())
        if group is None:
            raise ControlError(f"There is no origin group {names['group']!r} in {profile.name!r}.")
        return profile, group


def afd_state(simulation: Simulation) -> Json:
    return {profile.name: _profile_state(simulation, profile) for profile in simulation.afd_profiles.values()}


def _profile_state(simulation: Simulation, profile: Profile) -> Json:
    return {
        "updating": profile.is_updating,
        "reports_deployment": profile.reports_deployment,
        "groups": {group.name: _group_state(simulation, profile, group) for group in profile.groups.values()},
        "edges": {edge.name: _edge_state(edge) for edge in profile.edges},
    }


def _group_state(simulation: Simulation, profile: Profile, group: OriginGroup) -> Json:
    return {
        "resource_id": group_id(simulation, profile, group),
        "session_affinity": group.session_affinity,
        "origins": {origin.name: _origin_state(profile, origin) for origin in group.origins.values()},
    }


def _origin_state(profile: Profile, origin: Origin) -> Json:
    return origin.properties | {
        "healthy": origin.is_healthy,
        "provisioningState": origin.provisioning,
        "deploymentStatus": deployment_status(profile, origin),
    }


def _edge_state(edge: Edge) -> Json:
    """The weights of the origins that the edge knows to be enabled, by group."""
    known = edge.configuration(time.monotonic())
    return {name: {each.origin: each.weight for each in routing.backends} for name, routing in known.items()}
