"""ARM's routes as a table: path, handler, API name for faults, RBAC action, and whether it changes the site."""

import re

from local.azure_simulator.api import Audience, Handler, Route
from local.azure_simulator.arm import reads, swapping, writes
from local.azure_simulator.faults import Api

SUBSCRIPTION = r"/subscriptions/(?P<subscription>[^/]+)"
SITE = SUBSCRIPTION + r"/resourceGroups/(?P<group>[^/]+)/providers/Microsoft\.Web/sites/(?P<site>[^/]+)"
OPERATION = r"(?P<operation>[^/]+)"


def _route(method: str, path: str, handler: Handler, api: Api, action: str) -> Route:
    return Route(method, re.compile(path, re.IGNORECASE), handler, api, Audience.ARM, action)


def _read(method: str, path: str, handler: Handler, api: Api, action: str) -> Route:
    return _route(
        method, rf"{SITE}(?:/slots/(?P<slot>[^/]+))?{path}", handler, api, f"Microsoft.Web/sites{{slots}}/{action}"
    )


def _write(method: str, path: str, handler: Handler, api: Api, action: str) -> Route:
    route = _read(method, path, handler, api, action)
    return Route(route.method, route.pattern, handler, api, Audience.ARM, route.action, changes_site=True)


ARM_ROUTES: list[Route] = [
    _read("GET", "", reads.get_site, Api.SITE_READ, "read"),
    _read("GET", "/config/web", reads.get_web_config, Api.WEB_CONFIG, "config/read"),
    _write("PUT", "/config/web", writes.put_web_config, Api.WEB_CONFIG_WRITE, "config/write"),
    _write("PATCH", "/config/web", writes.put_web_config, Api.WEB_CONFIG_WRITE, "config/write"),
    _read("POST", "/config/appsettings/list", reads.list_app_settings, Api.APP_SETTINGS, "config/list/action"),
    _write("PUT", "/config/appsettings", writes.put_app_settings, Api.APP_SETTINGS, "config/write"),
    _read("GET", "/config/slotConfigNames", reads.get_slot_config_names, Api.SLOT_CONFIG_NAMES, "config/read"),
    _write("PUT", "/config/slotConfigNames", writes.put_slot_config_names, Api.SLOT_CONFIG_NAMES, "config/write"),
    _write("POST", "/(?P<verb>start|stop|restart)", writes.change_lifecycle, Api.LIFECYCLE, "{verb}/action"),
    _write("POST", "/slotsswap", swapping.swap_slots, Api.SWAP, "slotsswap/action"),
    _write("POST", "/applySlotConfig", swapping.apply_slot_config, Api.SWAP_PREVIEW, "applySlotConfig/action"),
    _write("POST", "/resetSlotConfig", swapping.reset_slot_config, Api.SWAP_PREVIEW, "resetSlotConfig/action"),
    _read("GET", f"/operationresults/{OPERATION}", reads.get_operation_result, Api.OPERATION, "operationresults/read"),
    _route("GET", f"{SITE}/slots", reads.list_slots, Api.SITE_READ, "Microsoft.Web/sites/slots/read"),
    _route(
        "GET",
        rf"{SUBSCRIPTION}/providers/Microsoft\.Web/locations/[^/]+/operations/{OPERATION}",
        reads.get_operation,
        Api.OPERATION,
        "Microsoft.Web/locations/operations/read",
    ),
]
