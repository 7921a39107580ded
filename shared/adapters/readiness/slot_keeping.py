"""What a swap meets in the slots of an App Service site: where they answer, previews that were left, what is sticky.

All slots come in one list. A preview of any of them keeps every swap of the site out; the slot that it was prepared in
tells so by `targetSwapSlot`. Values of settings leave this file as fingerprints alone.
https://learn.microsoft.com/rest/api/appservice/web-apps/list-slots (and .../list-slot-configuration-names)
"""

import hmac
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from shared.adapters.app_service import group_and_name, web_client
from shared.adapters.azure_clients import NO_WAITING, ArmAccess, ArmClients
from shared.adapters.azure_errors import translated
from shared.clock import Clock
from shared.errors import OutcomeUnknown
from shared.model.policy import Policy, Site
from shared.model.readiness import StickySettings
from shared.model.readiness_facts import SlotState

STICKY_KEPT = timedelta(minutes=5)
_FINGERPRINT_LENGTH = 16
_Key = tuple[str, str, str]


class AppServiceSlotKeeping:
    """Fulfils `ports.SlotKeeping`. Sticky settings are kept for five minutes: they are read by calls that list all."""

    def __init__(self, arm: ArmAccess, clock: Clock, kept: timedelta = STICKY_KEPT) -> None:
        self._clients = ArmClients(arm, web_client)
        self._clock = clock
        self._kept = kept
        self._answers: dict[_Key, tuple[datetime, StickySettings]] = {}

    def look(self, policy: Policy, slot: str) -> SlotState:
        group, name = group_and_name(policy.site)
        with translated(f"listing the slots of site {name}"):
            listed = list(self._clients.of(policy.site.resource).web_apps.list_slots(group, name, **NO_WAITING))
            slots = {_own_name(each.name): each for each in listed}
            found = slots.get(slot.casefold())
            return SlotState(
                front=_front(policy, slot, str(found.default_host_name)) if found else "",
                prepared=tuple(sorted(own for own, each in slots.items() if each.target_swap_slot)),
            )

    def sticky(self, site: Site, slot: str, salt: str) -> StickySettings:
        key, now = (site.resource.casefold(), slot.casefold(), salt), self._clock()
        asked_at, settings = self._answers.get(key, (None, None))
        if asked_at is None or settings is None or now - asked_at >= self._kept:
            settings = self._ask(site, slot, salt)
            self._answers = {other: kept for other, kept in self._answers.items() if other[:2] != key[:2]}
            self._answers[key] = now, settings
        return settings

    def _ask(self, site: Site, slot: str, salt: str) -> StickySettings:
        group, name = group_and_name(site)
        apps = self._clients.of(site.resource).web_apps
        with translated(f"reading the sticky settings of site {name}"):
            listed = apps.list_slot_configuration_names(group, name, **NO_WAITING).properties
            production = apps.list_application_settings(group, name, **NO_WAITING).properties
            kept = apps.list_application_settings_slot(group, name, slot, **NO_WAITING).properties
            # Azure tells them even when there are none; without them, nothing is known.
            if listed is None or production is None or kept is None:
                raise OutcomeUnknown(f"reading the sticky settings of site {name}: the answer has no list of them")
            names = tuple(sorted(listed.app_setting_names or ()))
            return StickySettings(
                names=names,
                production=_fingerprints(production, names, salt),
                slot=_fingerprints(kept, names, salt),
            )


def _own_name(name: str | None) -> str:
    """Return a slot's name out of `<site>/<slot>`, as it is compared."""
    return str(name).rsplit("/", 1)[-1].casefold()


def _front(policy: Policy, slot: str, host_name: str) -> str:
    promotion = policy.promotion
    named = promotion.url if promotion and promotion.slot == slot else None
    return policy.readiness.slots.get(slot) or named or f"https://{host_name}"


def _fingerprints(settings: Mapping[str, str], names: Collection[str], salt: str) -> dict[str, str]:
    return {name: _fingerprint(salt, name, str(value)) for name, value in settings.items() if name in names}


def _fingerprint(salt: str, name: str, value: str) -> str:
    """Return what tells two values apart and neither of them to anybody who does not know it."""
    digest = hmac.digest(bytes.fromhex(salt), f"{name}={value}".encode(errors="surrogatepass"), "sha256")
    return digest.hex()[:_FINGERPRINT_LENGTH]
