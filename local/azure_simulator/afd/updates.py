"""Changing an origin: a long-running operation, one at a time in a profile, whose end is not the edges' knowing it.

Headers, bodies and states are those of the recorded calls in Azure's own CLI (test_afd_origin_crud.yaml); that the
last enabled origin cannot be disabled is reported with hashicorp/terraform-provider-azurerm#27652.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from local.azure_simulator.afd.config import LAST_PRIORITY, MOST_WEIGHT, Switch
from local.azure_simulator.afd.profiles import Origin, OriginGroup, Profile, Update
from local.azure_simulator.afd.views import origin_view
from local.azure_simulator.api import Call
from local.azure_simulator.arm.errors import arm_error
from local.azure_simulator.faults import ActiveFault, Kind

CONFLICT = "The requested operation cannot be executed on the entity as another operation is in progress."
LAST_ORIGIN = (
    "Cannot disable or delete the last origin when the origin group is still associated with a route or a rule. "
    "Please disassociate the origin group and try again."
)
# Told by GET, and not for a client to say.
READ_ONLY = frozenset({"originGroupName", "provisioningState", "deploymentStatus"})
MOST_OF = {"weight": MOST_WEIGHT, "priority": LAST_PRIORITY}


async def patch_origin(call: Call, profile: Profile, group: OriginGroup, origin: Origin) -> web.Response:
    """PATCH merges what it names; there is no ETag, so that the last writer wins."""
    asked = (call.body or {}).get("properties") or {}
    wanted = {name: value for name, value in asked.items() if value is not None and name not in READ_ONLY}
    if refusal := _refusal(profile, group, origin, wanted):
        return refusal
    call.simulation.note_change("afd", origin.name, wanted)
    origin.properties |= wanted
    update = Update(origin)
    profile.updates[update.id] = update
    origin.provisioning = "Updating"
    took_s = call.simulation.timings.afd_update_s
    if not took_s and call.fault is None:
        _end(call, profile, update)
        return web.json_response(origin_view(call.simulation, profile, group, origin))
    call.background.spawn(_run(call, profile, update, call.fault, took_s))
    view = origin_view(call.simulation, profile, group, origin)
    return web.json_response(view, status=202, headers=_headers(call, profile, group, update))


def _refusal(profile: Profile, group: OriginGroup, origin: Origin, wanted: Mapping[str, Any]) -> web.Response | None:
    for name, most in MOST_OF.items():
        number = wanted.get(name, 1)
        if type(number) is not int or not 1 <= number <= most:
            return arm_error(400, "BadRequest", f"The property '{name}' must be between 1 and {most}.")
    state = wanted.get("enabledState", Switch.ENABLED)
    if state not in set(Switch):
        return arm_error(400, "BadRequest", f"The property 'enabledState' has an invalid value '{state}'.")
    if profile.is_updating:
        return arm_error(409, "Conflict", CONFLICT)
    if state == Switch.DISABLED and not any(each.is_enabled for each in group.origins.values() if each is not origin):
        return arm_error(400, "BadRequest", LAST_ORIGIN)
    return None


async def _run(call: Call, profile: Profile, update: Update, fault: ActiveFault | None, took_s: float) -> None:
    """An update that is stuck ends when its fault is lifted."""
    await asyncio.sleep(took_s)
    if fault and fault.rule.kind is Kind.STUCK:
        await fault.lifted.wait()
    _end(call, profile, update, failed=fault is not None and fault.rule.kind is Kind.ENDS_FAILED)


def _end(call: Call, profile: Profile, update: Update, *, failed: bool = False) -> None:
    """An update that fails leaves its values to be read, and the edges with what they knew."""
    update.status = update.origin.provisioning = "Failed" if failed else "Succeeded"
    timings = call.simulation.timings
    if not failed:
        profile.publish(update.origin, timings.afd_propagation_s, timings.afd_propagation_step_s)


def _headers(call: Call, profile: Profile, group: OriginGroup, update: Update) -> dict[str, str]:
    version = f"?api-version={call.request.query['api-version']}"
    operation = f"{call.base_url}{call.simulation.group_id}/providers/Microsoft.Cdn/operationresults/{update.id}"
    result = f"/profileresults/{profile.name}/origingroupresults/{group.name}/originresults/{update.origin.name}"
    return {"Azure-AsyncOperation": operation + version, "Location": operation + result + version}


def _update(call: Call) -> Update | None:
    known = (profile.updates.get(call.parameters["operation"]) for profile in call.simulation.afd_profiles.values())
    return next((update for update in known if update), None)


def _unknown(call: Call) -> web.Response:
    return arm_error(404, "NotFound", f"The operation {call.parameters['operation']} is not found.")


async def get_status(call: Call) -> web.Response:
    """The `Azure-AsyncOperation` URL. An error object comes in any case, with the code `None` where all is well."""
    update = _update(call)
    if update is None:
        return _unknown(call)
    failed = update.status == "Failed"
    error = {"code": "InternalServerError" if failed else "None", "message": "The update failed." if failed else None}
    return web.json_response({"status": update.status, "error": error})


async def get_result(call: Call, profile: Profile, group: OriginGroup, origin: Origin) -> web.Response:
    """The `Location` URL: 202 while it runs, then the origin."""
    update = _update(call)
    if update is None:
        return _unknown(call)
    status = 202 if update.status == "InProgress" else 200
    return web.json_response(origin_view(call.simulation, profile, group, origin), status=status)
