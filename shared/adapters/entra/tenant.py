"""Whose tokens count, and for whom they must be meant.

A tenant issues tokens of two forms; which one an API gets is said in its registration (`accessTokenAcceptedVersion`).
https://learn.microsoft.com/entra/identity-platform/access-tokens
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from shared.errors import SettingsError

PUBLIC_AUTHORITY = "https://login.microsoftonline.com"
# "AzNS AAD Webhook", which signs in for the action groups of Azure Monitor; the same in every tenant.
# https://learn.microsoft.com/azure/azure-monitor/alerts/action-groups (Secure webhook)
ACTION_GROUP_APP_ID = "461e8683-5575-4561-ac7f-899cc907d62a"

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# Whoever can change what is read from there can sign as anybody: it must come over TLS, or from this machine.
_AUTHORITY = re.compile(r"(https://[a-z0-9.-]+|http://(127\.0\.0\.1|localhost))(:[0-9]{1,5})?")


@dataclass(frozen=True)
class Tenant:
    """A tenant, the audiences that this app answers to, and the app id of the action groups.

    Attributes:
        authority: Where the tenant signs people in, without a slash at the end.
    """

    id: str
    audiences: frozenset[str]
    authority: str
    action_group_app_id: str

    @classmethod
    def checked(cls, tenant_id: str, audiences: tuple[str, ...], authority: str, action_group_app_id: str) -> Self:
        """Build it from settings.

        Raises:
            SettingsError: nobody, or anybody, could be recognised with these.
        """
        own_id, app_id = guid(tenant_id), guid(action_group_app_id)
        if not own_id:
            raise SettingsError("the tenant cannot be used; expected its id, a GUID")
        if not app_id:
            raise SettingsError("the app id of the action groups cannot be used; expected a GUID")
        if not audiences or not all(audiences):
            raise SettingsError("no audience is set; expected the client id or the api:// address of this app")
        return cls(own_id, frozenset(audiences), _checked_authority(authority), app_id)

    @cached_property
    def client_claims(self) -> Mapping[str, str]:
        """Which claim names the app that asked for a token, by the token's issuer."""
        return {f"{self.authority}/{self.id}/v2.0": "azp", f"https://sts.windows.net/{self.id}/": "appid"}

    @property
    def keys_url(self) -> str:
        """Where the tenant publishes the keys that it signs with."""
        return f"{self.authority}/{self.id}/discovery/v2.0/keys"


def guid(value: object) -> str | None:
    """Return a GUID in its one spelling; `None` if it is none."""
    spelled = value.lower() if isinstance(value, str) else ""
    return spelled if _GUID.fullmatch(spelled) else None


def _checked_authority(authority: str) -> str:
    spelled = authority.rstrip("/")
    if not _AUTHORITY.fullmatch(spelled):
        raise SettingsError(f"the authority cannot be used; expected an https address such as {PUBLIC_AUTHORITY}")
    return spelled
