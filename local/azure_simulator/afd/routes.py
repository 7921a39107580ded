"""ARM's routes to origin groups and origins; each handler gets what the URL names, or the caller gets 404.

https://learn.microsoft.com/rest/api/frontdoor/azurefrontdoorstandardpremium/afd-origins
"""

import re
from collections.abc import Awaitable, Callable

from aiohttp import web

from local.azure_simulator.afd.profiles import Origin, OriginGroup, Profile
from local.azure_simulator.afd.updates import get_result, get_status, patch_origin
from local.azure_simulator.afd.views import group_view, origin_view
from local.azure_simulator.api import Audience, Call, Handler, Route
from local.azure_simulator.arm.errors import arm_error, resource_not_found
from local.azure_simulator.arm.routes import SUBSCRIPTION
from local.azure_simulator.faults import Api

CDN = SUBSCRIPTION + r"/resourceGroups/(?P<group>[^/]+)/providers/Microsoft\.Cdn"
ORIGIN_GROUPS = CDN + r"/profiles/(?P<profile>[^/]+)/originGroups"
ORIGIN_GROUP = ORIGIN_GROUPS + r"/(?P<origin_group>[^/]+)"
ORIGIN = ORIGIN_GROUP + r"/origins/(?P<origin>[^/]+)"
OPERATION = CDN + r"/operationresults/(?P<operation>[^/]+)"
OPERATION_RESULT = OPERATION + (
    r"/profileresults/(?P<profile>[^/]+)/origingroupresults/(?P<origin_group>[^/]+)/originresults/(?P<origin>[^/]+)"
)

type GroupHandler = Callable[[Call, Profile, OriginGroup], Awaitable[web.Response]]
type OriginHandler = Callable[[Call, Profile, OriginGroup, Origin], Awaitable[web.Response]]


def _no_parent(kind: str, name: str) -> web.Response:
    message = f"Can not perform requested operation on nested resource. Parent resource '{kind}/{name}' not found."
    return arm_error(404, "ParentResourceNotFound", message)


def _profile(call: Call) -> Profile | web.Response:
    group, name = call.parameters["group"], call.parameters["profile"]
    if group.casefold() != call.simulation.config.resource_group.casefold():
        return arm_error(404, "ResourceGroupNotFound", f"Resource group '{group}' could not be found.")
    return call.simulation.afd_profiles.get(name.casefold()) or _no_parent("profiles", name)


def _of_group(handler: GroupHandler, *, is_parent: bool) -> Handler:
    async def found(call: Call) -> web.Response:
        profile, name = _profile(call), call.parameters["origin_group"]
        if isinstance(profile, web.Response):
            return profile
        group = profile.groups.get(name.casefold())
        if group:
            return await handler(call, profile, group)
        if is_parent:
            return _no_parent("originGroups", name)
        resource = f"Microsoft.Cdn/profiles/{profile.name}/originGroups/{name}"
        return resource_not_found(resource, call.parameters["group"])

    return found


def _of_origin(handler: OriginHandler) -> Handler:
    async def found(call: Call, profile: Profile, group: OriginGroup) -> web.Response:
        name = call.parameters["origin"]
        origin = group.origins.get(name.casefold())
        if origin is None:
            resource = f"Microsoft.Cdn/profiles/{profile.name}/originGroups/{group.name}/origins/{name}"
            return resource_not_found(resource, call.parameters["group"])
        return await handler(call, profile, group, origin)

    return _of_group(found, is_parent=True)


async def list_groups(call: Call) -> web.Response:
    profile = _profile(call)
    if isinstance(profile, web.Response):
        return profile
    groups = [group_view(call.simulation, profile, each) for each in profile.groups.values()]
    return web.json_response({"value": groups})


async def get_group(call: Call, profile: Profile, group: OriginGroup) -> web.Response:
    return web.json_response(group_view(call.simulation, profile, group))


async def list_origins(call: Call, profile: Profile, group: OriginGroup) -> web.Response:
    origins = [origin_view(call.simulation, profile, group, each) for each in group.origins.values()]
    return web.json_response({"value": origins})


async def get_origin(call: Call, profile: Profile, group: OriginGroup, origin: Origin) -> web.Response:
    return web.json_response(origin_view(call.simulation, profile, group, origin))


def _route(method: str, path: str, handler: Handler, api: Api, action: str) -> Route:
    return Route(method, re.compile(path, re.IGNORECASE), handler, api, Audience.ARM, f"Microsoft.Cdn/{action}")


AFD_ROUTES: list[Route] = [
    _route("GET", ORIGIN_GROUPS, list_groups, Api.AFD_READ, "profiles/originGroups/read"),
    _route("GET", ORIGIN_GROUP, _of_group(get_group, is_parent=False), Api.AFD_READ, "profiles/originGroups/read"),
    _route(
        "GET",
        f"{ORIGIN_GROUP}/origins",
        _of_group(list_origins, is_parent=True),
        Api.AFD_READ,
        "profiles/originGroups/origins/read",
    ),
    _route("GET", ORIGIN, _of_origin(get_origin), Api.AFD_READ, "profiles/originGroups/origins/read"),
    _route("PATCH", ORIGIN, _of_origin(patch_origin), Api.AFD_WRITE, "profiles/originGroups/origins/write"),
    _route("GET", OPERATION, get_status, Api.OPERATION, "operationresults/read"),
    _route("GET", OPERATION_RESULT, _of_origin(get_result), Api.OPERATION, "operationresults/read"),
]
