"""What ARM tells: sites, slots, configuration, operations."""

from aiohttp import web

from local.azure_simulator.api import Call
from local.azure_simulator.arm import views
from local.azure_simulator.arm.errors import app_service_error, arm_error
from local.azure_simulator.operations import OperationStatus


async def get_site(call: Call) -> web.Response:
    return web.json_response(views.site_view(call.simulation, call.site, call.slot))


async def list_slots(call: Call) -> web.Response:
    site = call.site
    slots = [slot for slot in site.slots.values() if slot is not site.production]
    value = [views.site_view(call.simulation, site, slot) for slot in slots]
    return web.json_response({"value": value, "nextLink": None})


async def get_web_config(call: Call) -> web.Response:
    return web.json_response(views.web_config_view(call.simulation, call.site, call.slot))


async def list_app_settings(call: Call) -> web.Response:
    return web.json_response(views.app_settings_view(call.simulation, call.site, call.slot))


async def get_slot_config_names(call: Call) -> web.Response:
    return web.json_response(views.slot_config_names_view(call.simulation, call.site))


async def get_operation(call: Call) -> web.Response:
    """The `Azure-AsyncOperation` URL: always 200, the state is in the body."""
    operation = call.simulation.operations.get(call.parameters["operation"])
    if operation is None:
        return arm_error(404, "NotFound", f"The operation {call.parameters['operation']} is not found.")
    headers = {"Retry-After": str(call.simulation.timings.operation_retry_after_s)}
    return web.json_response(views.operation_view(call.simulation, operation), headers=headers)


async def get_operation_result(call: Call) -> web.Response:
    """The `Location` URL: 202 while it runs, then the site, or the failure with its own status."""
    operation = call.simulation.operations.get(call.parameters["operation"])
    if operation is None:
        return arm_error(404, "NotFound", f"The operation {call.parameters['operation']} is not found.")
    if operation.error:
        return app_service_error(operation.error.http_status, operation.error.code, operation.error.message)
    if operation.status is OperationStatus.SUCCEEDED:
        return await get_site(call)
    retry_after = str(call.simulation.timings.operation_retry_after_s)
    headers = {"Location": str(call.request.url), "Retry-After": retry_after}
    return web.Response(status=202, headers=headers)
