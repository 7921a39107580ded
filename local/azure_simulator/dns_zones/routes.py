"""ARM's routes to zones and record sets.

Preconditions and statuses: https://learn.microsoft.com/rest/api/dns/record-sets/create-or-update. Azure DNS says what
is wrong in an object of its own, without ARM's `error` around it.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from local.azure_simulator.api import Audience, Call, Handler, Route
from local.azure_simulator.arm.errors import arm_error, resource_not_found
from local.azure_simulator.arm.routes import SUBSCRIPTION
from local.azure_simulator.dns_zones.config import RECORD_TYPES
from local.azure_simulator.dns_zones.record_sets import RecordSet, Zone, problem
from local.azure_simulator.faults import Api
from local.azure_simulator.simulation import Simulation

type Json = dict[str, Any]
type ZoneHandler = Callable[[Call, Zone], Awaitable[web.Response]]
type RecordSetHandler = Callable[[Call, Zone, str, str], Awaitable[web.Response]]

RESOURCE_TYPE = "Microsoft.Network/dnszones"
ZONE = SUBSCRIPTION + r"/resourceGroups/(?P<group>[^/]+)/providers/Microsoft\.Network/dnsZones/(?P<zone>[^/]+)"


def dns_error(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"code": code, "message": message}, status=status)


def zone_id(simulation: Simulation, zone: Zone) -> str:
    return f"{simulation.group_id}/providers/{RESOURCE_TYPE}/{zone.name}"


def record_set_view(simulation: Simulation, zone: Zone, found: RecordSet) -> Json:
    return {
        "id": f"{zone_id(simulation, zone)}/{found.type}/{found.name}",
        "name": found.name,
        "type": f"{RESOURCE_TYPE}/{found.type}",
        "etag": found.etag,
        "properties": found.properties | {"fqdn": f"{zone.fqdn(found.name)}.", "provisioningState": "Succeeded"},
    }


def _of_zone(handler: ZoneHandler) -> Handler:
    async def found(call: Call) -> web.Response:
        group, name = call.parameters["group"], call.parameters["zone"]
        if group.casefold() != call.simulation.config.resource_group.casefold():
            return arm_error(404, "ResourceGroupNotFound", f"Resource group '{group}' could not be found.")
        zone = call.simulation.dns_zones.get(name.casefold())
        return await handler(call, zone) if zone else resource_not_found(f"{RESOURCE_TYPE}/{name}", group)

    return found


def _of_record_set(kind: str, handler: RecordSetHandler) -> Handler:
    async def found(call: Call, zone: Zone) -> web.Response:
        return await handler(call, zone, kind, call.parameters["record"])

    return _of_zone(found)


async def get_zone(call: Call, zone: Zone) -> web.Response:
    view = {
        "id": zone_id(call.simulation, zone),
        "name": zone.name,
        "type": RESOURCE_TYPE,
        "location": "global",
        "tags": {},
        "properties": {"numberOfRecordSets": len(zone.record_sets), "zoneType": "Public"},
    }
    return web.json_response(view)


async def get_record_set(call: Call, zone: Zone, kind: str, name: str) -> web.Response:
    found = zone.find(kind, name)
    if found is None:
        group = call.parameters["group"]
        return dns_error(404, "NotFound", f"The resource record '{name}' does not exist in resource group '{group}'.")
    return web.json_response(record_set_view(call.simulation, zone, found))


async def put_record_set(call: Call, zone: Zone, kind: str, name: str) -> web.Response:
    properties = {each: value for each, value in _properties(call).items() if value is not None}
    return await _write(call, zone, kind, name, properties)


async def patch_record_set(call: Call, zone: Zone, kind: str, name: str) -> web.Response:
    found = zone.find(kind, name)
    if found is None:
        return await get_record_set(call, zone, kind, name)
    return await _write(call, zone, kind, name, found.properties | _properties(call))


async def _write(call: Call, zone: Zone, kind: str, name: str, properties: Mapping[str, Any]) -> web.Response:
    found = zone.find(kind, name)
    if refusal := _precondition(call, found):
        return refusal
    if wrong := problem(kind, name, properties):
        return dns_error(400, "BadRequest", wrong)
    if conflict := zone.conflict(kind, name):
        return dns_error(409, "Conflict", conflict)
    written = zone.put(kind, name, properties)
    call.simulation.note_change("dns_zones", f"{kind}/{written.name}", written.properties)
    view = record_set_view(call.simulation, zone, written)
    return web.json_response(view, status=200 if found else 201)


async def delete_record_set(call: Call, zone: Zone, kind: str, name: str) -> web.Response:
    found = zone.find(kind, name)
    if found is None:
        return web.Response(status=204)
    if refusal := _precondition(call, found):
        return refusal
    zone.drop(kind, name)
    call.simulation.note_change("dns_zones", f"{kind}/{found.name}", {})
    return web.Response()


def _precondition(call: Call, found: RecordSet | None) -> web.Response | None:
    """`If-None-Match: *` writes what is not there yet; `If-Match` what has not changed since it was read."""
    headers, current = call.request.headers, found.etag if found else ""
    if headers.get("If-None-Match") == "*" and found:
        return _not_satisfied("*", "If-None-Match", current)
    wanted = headers.get("If-Match", "").strip('"')
    if wanted and (found is None or wanted not in ("*", current)):
        return _not_satisfied(wanted, "If-Match", current)
    return None


def _not_satisfied(wanted: str, header: str, current: str) -> web.Response:
    message = f"The condition '{wanted}' in the {header} header was not satisfied. The current was '{current}'."
    return dns_error(412, "PreconditionFailed", message)


def _properties(call: Call) -> Json:
    return dict((call.body or {}).get("properties") or {})


def _route(method: str, path: str, handler: Handler, action: str) -> Route:
    api = Api.DNS_ZONES_READ if method == "GET" else Api.DNS_ZONES_WRITE
    action = f"Microsoft.Network/dnsZones/{action}"
    return Route(method, re.compile(path, re.IGNORECASE), handler, api, Audience.ARM, action)


_METHODS: tuple[tuple[str, RecordSetHandler, str], ...] = (
    ("GET", get_record_set, "read"),
    ("PUT", put_record_set, "write"),
    ("PATCH", patch_record_set, "write"),
    ("DELETE", delete_record_set, "delete"),
)
DNS_ZONES_ROUTES: list[Route] = [
    _route("GET", ZONE, _of_zone(get_zone), "read"),
    *(
        _route(method, rf"{ZONE}/{kind}/(?P<record>[^/]+)", _of_record_set(kind, handler), f"{kind}/{verb}")
        for kind in RECORD_TYPES
        for method, handler, verb in _METHODS
    ),
]
