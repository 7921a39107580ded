"""What a test does to endpoints: finds them ill, and changes them behind everybody's back."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from local.azure_simulator.control.requests import ControlError, read_body
from local.azure_simulator.simulation import Simulation
from local.azure_simulator.strict_model import StrictModel
from local.azure_simulator.traffic_manager.config import Health, Rank, Switch
from local.azure_simulator.traffic_manager.profiles import Endpoint, Profile
from local.azure_simulator.traffic_manager.views import monitor_status, profile_id

type Json = dict[str, Any]


class EndpointChange(StrictModel):
    """What is not named stays."""

    status: Switch | None = None
    weight: Rank | None = None
    priority: Rank | None = None
    health: Health | None = None


class TrafficManagerControl:
    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation

    def routes(self) -> list[web.RouteDef]:
        return [web.put("/_control/traffic_manager/{profile}/{endpoint}", self.change_endpoint)]

    async def change_endpoint(self, request: web.Request) -> web.Response:
        change = await read_body(request, EndpointChange)
        profile, endpoint = self._find(request.match_info)
        endpoint.switch(change.status or endpoint.status)
        endpoint.weight = change.weight or endpoint.weight
        endpoint.priority = change.priority or endpoint.priority
        endpoint.health = change.health or endpoint.health
        self._simulation.publications.rewrite()
        return web.json_response(_endpoint_state(self._simulation, profile, endpoint))

    def _find(self, names: Mapping[str, str]) -> tuple[Profile, Endpoint]:
        profile = self._simulation.traffic_manager_profiles.get(names["profile"].casefold())
        endpoint = profile.endpoint(names["endpoint"]) if profile else None
        if profile is None or endpoint is None:
            raise ControlError(f"There is no endpoint {names['endpoint']!r} in a profile {names['profile']!r}.")
        return profile, endpoint


def traffic_manager_state(simulation: Simulation) -> Json:
    return {
        profile.name: _profile_state(simulation, profile) for profile in simulation.traffic_manager_profiles.values()
    }


def _profile_state(simulation: Simulation, profile: Profile) -> Json:
    return {
        "resource_id": profile_id(simulation, profile),
        "fqdn": profile.fqdn,
        "status": profile.status,
        "routing": profile.routing,
        "ttl_s": profile.ttl_s,
        "endpoints": {each.name: _endpoint_state(simulation, profile, each) for each in profile.endpoints},
    }


def _endpoint_state(simulation: Simulation, profile: Profile, endpoint: Endpoint) -> Json:
    return {
        "type": endpoint.type,
        "target": endpoint.target,
        "status": endpoint.status,
        "weight": endpoint.weight,
        "priority": endpoint.priority,
        "health": endpoint.health,
        "monitor_status": monitor_status(simulation, profile, endpoint),
    }
