"""App Service slots through Azure Resource Manager.

A swap is a relative move and must not be sent twice, so nothing here repeats a call: the SDK's own retries are off (it
repeats a POST that was answered 500, 503 or 504, although the swap may have been accepted) and so is its polling, which
would wait inside the function. The operation is followed by its continuation token, one request at a time.
https://learn.microsoft.com/rest/api/appservice/web-apps/swap-slot
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from shared.adapters.azure_clients import credential, policies_for
from shared.adapters.azure_errors import translated
from shared.adapters.one_per_key import OnePerKey
from shared.errors import OutcomeUnknown, PermanentError
from shared.model.policy import Site
from shared.ports import OperationState, SitePicture

if TYPE_CHECKING:
    from azure.mgmt.web import WebSiteManagementClient

_PRODUCTION = "production"
_NO_WAITING: Mapping[str, Any] = {"retry_total": 0, "connection_timeout": 5, "read_timeout": 10}
_STATES = {
    "succeeded": OperationState.SUCCEEDED,
    "failed": OperationState.FAILED,
    "canceled": OperationState.FAILED,
    "cancelled": OperationState.FAILED,
}


class AppServiceSlots:
    """Fulfils `ports.SlotSite`."""

    def __init__(self, endpoint: str, audience: str, client_id: str | None) -> None:
        """`endpoint` is where Resource Manager is reached, `audience` whom its tokens are for."""
        self._endpoint = endpoint
        self._audience = audience
        self._client_id = client_id
        self._clients = OnePerKey(self._new_client)

    def look(self, site: Site) -> SitePicture:
        group, name = _names(site)
        apps = self._client(site).web_apps
        slot_build = self._slot_build(site)
        with translated(f"reading site {name}"):
            found = apps.get(group, name, **_NO_WAITING)
            # Production is read last: what is acted on must be as fresh as it can be.
            if found.id is None:
                raise OutcomeUnknown(f"reading site {name}: the answer names no site")
            live = _build(site, apps.list_application_settings(group, name, **_NO_WAITING).properties)
            swap = found.slot_swap_status
            return SitePicture(
                production_build=live,
                good_slot_build=slot_build,
                operation_id=found.in_progress_operation_id or None,
                last_swap=f"{swap.timestamp_utc} {swap.source_slot_name} {swap.destination_slot_name}" if swap else "",
            )

    def _slot_build(self, site: Site) -> str | None:
        from azure.core.exceptions import ResourceNotFoundError

        group, name = _names(site)
        apps = self._client(site).web_apps
        with translated(f"reading slot {site.good_slot} of site {name}"):
            try:
                settings = apps.list_application_settings_slot(group, name, site.good_slot, **_NO_WAITING)
            except ResourceNotFoundError:
                return None
            return _build(site, settings.properties)

    def swap(self, site: Site) -> str:
        from azure.mgmt.web.models import CsmSlotEntity

        from shared.adapters.arm_operations import OneLook

        group, name = _names(site)
        with translated(f"swapping slot {site.good_slot} of site {name} with production"):
            poller = self._client(site).web_apps.begin_swap_slot(
                group,
                name,
                site.good_slot,
                CsmSlotEntity(target_slot=_PRODUCTION, preserve_vnet=True),
                polling=OneLook(**_NO_WAITING),
                **_NO_WAITING,
            )
            # The swap is accepted by now: an answer that gives no token leaves its outcome unknown.
            return poller.continuation_token()

    def follow(self, site: Site, token: str) -> tuple[OperationState, str]:
        from azure.mgmt.web.models import CsmSlotEntity

        from shared.adapters.arm_operations import OneLook

        group, name = _names(site)
        polling, unused = OneLook(**_NO_WAITING), CsmSlotEntity(target_slot=_PRODUCTION, preserve_vnet=True)
        with translated(f"following the swap of site {name}"):
            try:  # nothing is sent here, so what goes wrong is the token (an empty one is the NameError)
                self._client(site).web_apps.begin_swap_slot(
                    group, name, site.good_slot, unused, continuation_token=token, polling=polling, **_NO_WAITING
                )
            except (AttributeError, LookupError, NameError, TypeError, ValueError):
                raise PermanentError(f"following the swap of site {name}: its token cannot be read") from None
            said = polling.look()
        return _STATES.get(said.lower(), OperationState.RUNNING), said

    def _client(self, site: Site) -> "WebSiteManagementClient":
        """Return the client of the site's subscription, the same one each time: building it takes up to 160 ms."""
        return self._clients[site.resource.split("/")[2]]

    def _new_client(self, subscription: str) -> "WebSiteManagementClient":
        from azure.mgmt.web import WebSiteManagementClient

        return WebSiteManagementClient(
            credential(self._client_id),
            subscription,
            base_url=self._endpoint,
            credential_scopes=[f"{self._audience}/.default"],
            per_call_policies=policies_for(self._endpoint),
        )


def _build(site: Site, settings: Mapping[str, str] | None) -> str:
    """Return the build that a slot's settings name; empty when they name none."""
    return str((settings or {}).get(site.build.setting) or "")


def _names(site: Site) -> tuple[str, str]:
    """Return the resource group and the name in the site's ARM id."""
    parts = site.resource.split("/")
    return parts[4], parts[8]
