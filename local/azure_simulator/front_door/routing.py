"""Which slot serves a request: a pin by query or cookie, else the ramp-up rules, else production.

https://learn.microsoft.com/azure/app-service/deploy-staging-slots#route-production-traffic-automatically
A pin on a slot counts as long as a rule names the slot, be it with 0 %; without a rule only where `pins_outlive_rules`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from local.azure_simulator.config import PRODUCTION, RampUpRule
from local.azure_simulator.sites import Site

ROUTING_NAME = "x-ms-routing-name"
SELF = "self"
PIN_MAX_AGE_S = 3600


@dataclass(frozen=True, slots=True)
class Choice:
    """`cookie` is the pin to set on the client, or None."""

    slot: str
    pinned: bool
    cookie: str | None


def choose_slot(site: Site, query: Mapping[str, str], cookies: Mapping[str, str], draw: float) -> Choice:
    """`draw` is uniform in 0..1. A pin on a slot that has no rule or does not exist counts for nothing."""
    for pin, is_new in ((query.get(ROUTING_NAME), True), (cookies.get(ROUTING_NAME), False)):
        slot = _slot_of_pin(site, pin)
        if slot and _is_open(site, slot):
            return Choice(slot, pinned=True, cookie=_pin_name(slot) if is_new else None)
    slot = _slot_by_share(site, draw)
    return Choice(slot, pinned=False, cookie=_pin_name(slot) if site.routed_rules else None)


def _slot_of_pin(site: Site, pin: str | None) -> str | None:
    if pin is None:
        return None
    slot = PRODUCTION if pin.casefold() == SELF else pin.casefold()
    return slot if slot in site.slots else None


def _is_open(site: Site, slot: str) -> bool:
    if slot == PRODUCTION or site.pins_outlive_rules:
        return True
    return any(_slot_of_rule(site, rule) == slot for rule in site.routed_rules)


def _pin_name(slot: str) -> str:
    return SELF if slot == PRODUCTION else slot


def _slot_by_share(site: Site, draw: float) -> str:
    percent, reached = draw * 100, 0.0
    for rule in site.routed_rules:
        reached += rule.reroutePercentage
        slot = _slot_of_rule(site, rule)
        if slot and percent < reached:
            return slot
    return PRODUCTION


def _slot_of_rule(site: Site, rule: RampUpRule) -> str | None:
    """The platform goes by the host name; the rule's name is only a label, used where there is none."""
    host = (rule.actionHostName or "").casefold()
    by_host = next((slot for slot in site.slots if site.host_name(slot) == host), None)
    return by_host or (None if host else _slot_of_pin(site, rule.name))
