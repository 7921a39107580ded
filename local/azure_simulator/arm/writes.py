"""What ARM changes on a site: configuration, settings, start, stop, restart."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from local.azure_simulator.api import Call
from local.azure_simulator.arm import reads
from local.azure_simulator.config import RampUpRule
from local.azure_simulator.lifecycle import restart_slot


async def put_web_config(call: Call) -> web.Response:
    """Properties that are absent or null keep their value, as App Service does for PUT and PATCH alike."""
    properties = {name: value for name, value in call.body.get("properties", {}).items() if value is not None}
    call.simulation.note_change("web_config", call.site.name, properties)
    experiments = properties.pop("experiments", None)
    call.slot.web_config.update(properties)
    if experiments is not None and call.slot is call.site.production:
        rules = experiments.get("rampUpRules") or []
        parsed = [RampUpRule.model_validate(rule) for rule in rules]
        call.site.route_by(parsed, after_s=call.simulation.timings.ramp_up_s)
    return await reads.get_web_config(call)


async def put_app_settings(call: Call) -> web.Response:
    """Replaces the whole set; the slot restarts."""
    call.slot.settings = dict(call.body.get("properties") or {})
    call.background.spawn(restart_slot(call.simulation, call.slot))
    return await reads.list_app_settings(call)


async def put_slot_config_names(call: Call) -> web.Response:
    call.site.sticky_settings = list(call.body.get("properties", {}).get("appSettingNames") or [])
    return await reads.get_slot_config_names(call)


async def start(call: Call) -> None:
    call.slot.is_running = True


async def stop(call: Call) -> None:
    call.slot.is_running = False


async def restart(call: Call) -> None:
    call.background.spawn(restart_slot(call.simulation, call.slot))


LIFECYCLE: dict[str, Callable[[Call], Awaitable[None]]] = {"start": start, "stop": stop, "restart": restart}


async def change_lifecycle(call: Call) -> web.Response:
    await LIFECYCLE[call.parameters["verb"].casefold()](call)
    return web.Response()
