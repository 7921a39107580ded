"""What ARM checks before a call reaches App Service, in its order; each check refuses with an answer or passes.

Order: api-version, throttling, authorization, existence, then App Service's own "another operation" and
"prepared for swap".
"""

import fnmatch
import math

from aiohttp import web

from local.azure_simulator.api import Call
from local.azure_simulator.arm import errors
from local.azure_simulator.faults import Api
from local.azure_simulator.simulation import Simulation
from local.azure_simulator.throttle import TokenBucket


class ArmThrottle:
    """One bucket for GETs, one for everything else, as ARM counts them."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._buckets = {"read": TokenBucket(), "write": TokenBucket()}

    def refusal(self, call: Call) -> web.Response | None:
        kind = _kind(call)
        limits = self._simulation.throttling
        size, refill_per_s = {
            "read": (limits.read_bucket, limits.read_refill_per_s),
            "write": (limits.write_bucket, limits.write_refill_per_s),
        }[kind]
        wait_s = self._buckets[kind].take(size, refill_per_s)
        if not wait_s:
            return None
        return errors.too_many_requests(kind, call.parameters["subscription"], math.ceil(wait_s))

    def headers(self, call: Call) -> dict[str, str]:
        kind = _kind(call)
        return {f"x-ms-ratelimit-remaining-subscription-{kind}s": str(self._buckets[kind].remaining)}


def _kind(call: Call) -> str:
    return "read" if call.request.method == "GET" else "write"


def api_version(call: Call) -> web.Response | None:
    has_version = "api-version" in call.request.query
    return None if has_version else errors.missing_api_version(call.request.path)


def permission(call: Call) -> web.Response | None:
    """Denied actions may hold wildcards, as RBAC's `notActions` do."""
    action = required_action(call)
    if any(fnmatch.fnmatch(action.casefold(), denied.casefold()) for denied in call.simulation.denied_actions):
        return errors.authorization_failed(action, call.request.path)
    return None


def required_action(call: Call) -> str:
    slots = "/slots" if call.parameters.get("slot") else ""
    return call.route.action.format(slots=slots, verb=call.parameters.get("verb"))


def existence(call: Call) -> web.Response | None:
    config = call.simulation.config
    if call.parameters["subscription"].casefold() != config.subscription_id.casefold():
        subscription = call.parameters["subscription"]
        message = f"The subscription '{subscription}' could not be found."
        return errors.arm_error(404, "SubscriptionNotFound", message)
    if "site" not in call.parameters:
        return None
    return _site_existence(call)


def _site_existence(call: Call) -> web.Response | None:
    group, site_name = call.parameters["group"], call.parameters["site"]
    if group.casefold() != call.simulation.config.resource_group.casefold():
        message = f"Resource group '{group}' could not be found."
        return errors.arm_error(404, "ResourceGroupNotFound", message)
    site = call.simulation.site(site_name)
    if site is None:
        return errors.resource_not_found(f"Microsoft.Web/sites/{site_name}", group)
    slot = call.parameters.get("slot")
    if slot and (slot.casefold() == site.production.name or site.slot(slot) is None):
        return errors.resource_not_found(f"Microsoft.Web/sites/{site_name}/slots/{slot}", group)
    return None


def site_is_free(call: Call) -> web.Response | None:
    """App Service changes nothing on a site while an operation runs, and no settings under a preview."""
    if not call.route.changes_site:
        return None
    if call.site.operation:
        return errors.in_progress(call.simulation, call.site, call.slot)
    preview = call.site.preview
    settings_change = call.route.api in (Api.APP_SETTINGS, Api.SLOT_CONFIG_NAMES)
    if settings_change and preview and preview.involves(call.slot.name):
        return errors.prepared_for_swap()
    return None


CHECKS_BEHIND_THROTTLE = (permission, existence, site_is_free)
