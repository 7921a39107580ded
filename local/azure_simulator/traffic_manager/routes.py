"""ARM's routes to profiles and endpoints.

PATCH merges what it names and answers when it is done; there is no ETag, so that the last writer wins.
https://learn.microsoft.com/rest/api/trafficmanager/endpoints/update
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum
from typing import Any

from aiohttp import web

from local.azure_simulator.api import Audience, Call, Handler, Route
from local.azure_simulator.arm.errors import arm_error, resource_not_found
from local.azure_simulator.arm.routes import SUBSCRIPTION
from local.azure_simulator.faults import Api
from local.azure_simulator.traffic_manager.config import MOST, EndpointType, RoutingMethod, Switch
from local.azure_simulator.traffic_manager.profiles import Endpoint, Profile
from local.azure_simulator.traffic_manager.views import RESOURCE_TYPE, endpoint_view, profile_view

PROFILE = SUBSCRIPTION + (
    r"/resourceGroups/(?P<group>[^/]+)/providers/Microsoft\.Network/trafficManagerProfiles/(?P<profile>[^/]+)"
)
# Told by GET, and not for a client to say.
READ_ONLY = frozenset({"endpointMonitorStatus"})

type ProfileHandler = Callable[[Call, Profile], Awaitable[web.Response]]
type EndpointHandler = Callable[[Call, Profile, Endpoint], Awaitable[web.Response]]


def _of_profile(handler: ProfileHandler) -> Handler:
    async def found(call: Call) -> web.Response:
        group, name = call.parameters["group"], call.parameters["profile"]
        if group.casefold() != call.simulation.config.resource_group.casefold():
            return arm_error(404, "ResourceGroupNotFound", f"Resource group '{group}' could not be found.")
        profile = call.simulation.traffic_manager_profiles.get(name.casefold())
        return await handler(call, profile) if profile else resource_not_found(f"{RESOURCE_TYPE}/{name}", group)

    return found


def _of_endpoint(kind: EndpointType, handler: EndpointHandler) -> Handler:
    async def found(call: Call, profile: Profile) -> web.Response:
        name = call.parameters["endpoint"]
        endpoint = profile.endpoint(name, kind)
        if endpoint is None:
            return arm_error(404, "NotFound", f"The endpoint '{kind}/{name}' of '{profile.name}' was not found.")
        return await handler(call, profile, endpoint)

    return _of_profile(found)


async def get_profile(call: Call, profile: Profile) -> web.Response:
    return web.json_response(profile_view(call.simulation, profile))


async def get_endpoint(call: Call, profile: Profile, endpoint: Endpoint) -> web.Response:
    return web.json_response(endpoint_view(call.simulation, profile, endpoint))


async def patch_profile(call: Call, profile: Profile) -> web.Response:
    wanted = dict((call.body or {}).get("properties") or {})
    if wanted.get("endpoints"):
        return arm_error(400, "BadRequest", "Here, endpoints are updated one by one.")
    profile.status = _named(Switch, wanted.get("profileStatus"), profile.status)
    profile.routing = _named(RoutingMethod, wanted.get("trafficRoutingMethod"), profile.routing)
    profile.ttl_s = (wanted.get("dnsConfig") or {}).get("ttl", profile.ttl_s)
    profile.tags = (call.body or {}).get("tags") or profile.tags
    return await _accepted(call, profile.name, wanted, get_profile(call, profile))


async def patch_endpoint(call: Call, profile: Profile, endpoint: Endpoint) -> web.Response:
    wanted = {name: value for name, value in ((call.body or {}).get("properties") or {}).items() if value is not None}
    if problem := _problem(profile, endpoint, wanted):
        return arm_error(400, "BadRequest", problem)
    change_endpoint(endpoint, wanted)
    return await _accepted(call, endpoint.name, wanted, get_endpoint(call, profile, endpoint))


async def _accepted(call: Call, name: str, wanted: Mapping[str, Any], answer: Awaitable[web.Response]) -> web.Response:
    call.simulation.note_change("traffic_manager", name, wanted)
    return await answer


def change_endpoint(endpoint: Endpoint, properties: Mapping[str, Any]) -> None:
    """Merge properties in ARM's spelling; what is not looked at is kept as it came."""
    more = {name: value for name, value in properties.items() if name not in READ_ONLY}
    endpoint.switch(_named(Switch, more.pop("endpointStatus", None), endpoint.status))
    endpoint.target = more.pop("target", endpoint.target)
    endpoint.weight = more.pop("weight", endpoint.weight)
    endpoint.priority = more.pop("priority", endpoint.priority)
    endpoint.more |= more


def _problem(profile: Profile, endpoint: Endpoint, wanted: Mapping[str, Any]) -> str | None:
    for name in ("weight", "priority"):
        rank = wanted.get(name, 1)
        if type(rank) is not int or not 1 <= rank <= MOST:
            return f"The '{name}' property has an invalid value '{rank}'. It must be between 1 and {MOST}."
    if any(other is not endpoint and other.priority == wanted.get("priority") for other in profile.endpoints):
        return f"The priority '{wanted['priority']}' is already used by another endpoint."
    if str(wanted.get("endpointStatus", Switch.ENABLED)).casefold() not in {each.casefold() for each in Switch}:
        return f"The 'endpointStatus' property has an invalid value '{wanted['endpointStatus']}'."
    return None


def _named[E: StrEnum](kind: type[E], value: str | None, otherwise: E) -> E:
    """ARM takes the words of an enumeration in any case."""
    return next((each for each in kind if each.casefold() == str(value).casefold()), otherwise)


def _route(method: str, path: str, handler: Handler, action: str) -> Route:
    api = Api.TRAFFIC_MANAGER_READ if method == "GET" else Api.TRAFFIC_MANAGER_WRITE
    return Route(method, re.compile(path, re.IGNORECASE), handler, api, Audience.ARM, f"{RESOURCE_TYPE}/{action}")


TRAFFIC_MANAGER_ROUTES: list[Route] = [
    _route("GET", PROFILE, _of_profile(get_profile), "read"),
    _route("PATCH", PROFILE, _of_profile(patch_profile), "write"),
    *(
        _route(method, rf"{PROFILE}/{kind}/(?P<endpoint>[^/]+)", _of_endpoint(kind, handler), f"{kind}/{verb}")
        for kind in EndpointType
        for method, handler, verb in (("GET", get_endpoint, "read"), ("PATCH", patch_endpoint, "write"))
    ),
]
