"""Swaps over ARM: the swap itself, and the preview that prepares one.

https://learn.microsoft.com/rest/api/appservice/web-apps/swap-slot, .../apply-slot-configuration-slot,
.../reset-slot-configuration-slot. A swap is not idempotent: doing it twice puts things back.
"""

from datetime import UTC, datetime

from aiohttp import web

from local.azure_simulator.api import Call
from local.azure_simulator.arm.errors import already_prepared, app_service_error, prepared_for_swap
from local.azure_simulator.faults import Kind
from local.azure_simulator.operations import Operation
from local.azure_simulator.sites import Preview, Slot, dress
from local.azure_simulator.swaps import run_swap


async def swap_slots(call: Call) -> web.Response:
    target = _target(call)
    if isinstance(target, web.Response):
        return target
    preview = call.site.preview
    if preview and {preview.source, preview.target} != {call.slot.name, target.name}:
        return prepared_for_swap()
    operation = Operation(
        site=call.site.name,
        source=call.slot.name,
        target=target.name,
        started_at=datetime.now(UTC),
    )
    call.simulation.operations[operation.id] = call.site.operation = operation
    stuck = call.fault if call.fault and call.fault.rule.kind is Kind.STUCK else None
    call.background.spawn(run_swap(call.simulation, call.site, operation, stuck))
    call.accepted = True
    return web.Response(status=202, headers=_operation_headers(call, operation))


async def apply_slot_config(call: Call) -> web.Response:
    """The addressed slot gets the target's sticky settings and waits for a swap, or for a reset."""
    target = _target(call)
    if isinstance(target, web.Response):
        return target
    if call.site.preview:
        return already_prepared(call.site.preview.source, call.site.preview.target)
    slot, sticky = call.slot, call.site.sticky_settings
    call.site.preview = Preview(slot.name, target.name, settings_before=slot.settings)
    slot.settings = dress(slot.settings, target.settings, sticky)
    return web.Response()


async def reset_slot_config(call: Call) -> web.Response:
    """Takes a preview back; also the one that a `conflict_preview` fault pretends. Without one: nothing."""
    call.simulation.faults.remove_kind(Kind.CONFLICT_PREVIEW)
    if call.site.preview and call.site.preview.involves(call.slot.name):
        call.site.drop_preview()
    return web.Response()


def _target(call: Call) -> Slot | web.Response:
    name = (call.body or {}).get("targetSlot")
    if not isinstance(name, str):
        return app_service_error(400, "BadRequest", "The parameter targetSlot is required.")
    target = call.site.slot(name)
    if target is None:
        return app_service_error(404, "NotFound", f"Cannot find slot '{name}' of site '{call.site.name}'.")
    if target is call.slot:
        return app_service_error(400, "BadRequest", f"Cannot swap slot '{target.name}' with itself.")
    return target


def _operation_headers(call: Call, operation: Operation) -> dict[str, str]:
    simulation = call.simulation
    version = call.request.query["api-version"]
    slot_id = simulation.site_id(call.site, call.slot)
    provider = f"/subscriptions/{simulation.config.subscription_id}/providers/Microsoft.Web"
    location = simulation.config.location
    return {
        "Location": f"{call.base_url}{slot_id}/operationresults/{operation.id}?api-version={version}",
        "Azure-AsyncOperation": f"{call.base_url}{provider}/locations/{location}/operations/{operation.id}"
        f"?api-version={version}",
        "Retry-After": str(simulation.timings.operation_retry_after_s),
    }
