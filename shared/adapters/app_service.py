"""App Service slots through Azure Resource Manager.

A swap is a relative move and must not be sent twice, so nothing here repeats a call: the SDK's own retries are off (it
repeats a POST that was answered 500, 503 or 504, although the swap may have been accepted) and so is its polling, which
would wait inside the function. The operation is followed by its continuation token, one request at a time.
https://learn.microsoft.com/rest/api/appservice/web-apps/swap-slot
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from shared.adapters.azure_clients import NO_WAITING, ArmAccess, ArmClients
from shared.adapters.azure_errors import translated
from shared.errors import OutcomeUnknown, PermanentError, TransientError
from shared.model.policy import Site
from shared.ports import OperationState, SitePicture

if TYPE_CHECKING:
    from azure.mgmt.web import WebSiteManagementClient

_PRODUCTION = "production"
# What App Service says of a site whose swap with preview waits for its second half (409).
_PREPARED = "prepared for swap"
_STATES = {
    "succeeded": OperationState.SUCCEEDED,
    "failed": OperationState.FAILED,
    "canceled": OperationState.FAILED,
    "cancelled": OperationState.FAILED,
}


def web_client() -> "type[WebSiteManagementClient]":
    """Import the SDK of App Service."""
    from azure.mgmt.web import WebSiteManagementClient

    return WebSiteManagementClient


class AppServiceSlots:
    """Fulfils `ports.SlotSite`."""

    def __init__(self, arm: ArmAccess) -> None:
        self._clients = ArmClients(arm, web_client)

    def look(self, site: Site, slot: str) -> SitePicture:
        group, name = group_and_name(site)
        apps = self._clients.of(site.resource).web_apps
        slot_build = self._slot_build(site, slot)
        with translated(f"reading site {name}"):
            found = apps.get(group, name, **NO_WAITING)
            # Production is read last: what is acted on must be as fresh as it can be.
            if found.id is None:
                raise OutcomeUnknown(f"reading site {name}: the answer names no site")
            live = build_in(site, apps.list_application_settings(group, name, **NO_WAITING).properties)
            swap = found.slot_swap_status
            return SitePicture(
                production_build=live,
                slot_build=slot_build,
                operation_id=found.in_progress_operation_id or None,
                last_swap=f"{swap.timestamp_utc} {swap.source_slot_name} {swap.destination_slot_name}" if swap else "",
            )

    def _slot_build(self, site: Site, slot: str) -> str | None:
        from azure.core.exceptions import ResourceNotFoundError

        group, name = group_and_name(site)
        apps = self._clients.of(site.resource).web_apps
        with translated(f"reading slot {slot} of site {name}"):
            try:
                settings = apps.list_application_settings_slot(group, name, slot, **NO_WAITING)
            except ResourceNotFoundError:
                return None
            return build_in(site, settings.properties)

    def swap(self, site: Site, slot: str) -> str:
        from azure.core.exceptions import ResourceExistsError
        from azure.mgmt.web.models import CsmSlotEntity

        from shared.adapters.arm_operations import OneLook

        group, name = group_and_name(site)
        with translated(f"swapping slot {slot} of site {name} with production"):
            try:
                poller = self._clients.of(site.resource).web_apps.begin_swap_slot(
                    group,
                    name,
                    slot,
                    CsmSlotEntity(target_slot=_PRODUCTION, preserve_vnet=True),
                    polling=OneLook(**NO_WAITING),
                    **NO_WAITING,
                )
            except ResourceExistsError as error:
                # The SDK reads ARM's form of errors; this one comes in App Service's own.
                if error.response is not None and _PREPARED in error.response.text().lower():
                    self._reset_preview(site)
                raise
            # The swap is accepted by now: an answer that gives no token leaves its outcome unknown.
            return poller.continuation_token()

    def _reset_preview(self, site: Site) -> None:
        """Take back a swap with preview that somebody prepared and left: no other swap is accepted until then.

        It gives the prepared slot its own settings back and touches no content. Nothing was swapped, so the next
        attempt is safe. https://learn.microsoft.com/rest/api/appservice/web-apps/reset-production-slot-config

        Raises:
            TransientError: it was reset, and the swap may be sent again.
        """
        group, name = group_and_name(site)
        try:
            with translated(f"resetting the swap with preview of site {name}"):
                self._clients.of(site.resource).web_apps.reset_production_slot_config(group, name, **NO_WAITING)
        except OutcomeUnknown as error:  # of the reset, which may be sent again; the swap itself was refused
            raise TransientError(str(error), retry_after=error.retry_after) from None
        raise TransientError(f"a swap with preview of site {name} was in the way; it was reset")

    def follow(self, site: Site, slot: str, token: str) -> tuple[OperationState, str]:
        from azure.mgmt.web.models import CsmSlotEntity

        from shared.adapters.arm_operations import OneLook

        group, name = group_and_name(site)
        polling, unused = OneLook(**NO_WAITING), CsmSlotEntity(target_slot=_PRODUCTION, preserve_vnet=True)
        with translated(f"following the swap of site {name}"):
            try:  # nothing is sent here, so what goes wrong is the token (an empty one is the NameError)
                self._clients.of(site.resource).web_apps.begin_swap_slot(
                    group, name, slot, unused, continuation_token=token, polling=polling, **NO_WAITING
                )
            except (AttributeError, LookupError, NameError, TypeError, ValueError):
                raise PermanentError(f"following the swap of site {name}: its token cannot be read") from None
            said = polling.look()
        return _STATES.get(said.lower(), OperationState.RUNNING), said


def build_in(site: Site, settings: Mapping[str, str] | None) -> str:
    """Return the build that a slot's settings name; empty when they name none."""
    return str((settings or {}).get(site.build.setting) or "")


def group_and_name(site: Site) -> tuple[str, str]:
    """Return the resource group and the name in the site's ARM id."""
    parts = site.resource.split("/")
    return parts[4], parts[8]
