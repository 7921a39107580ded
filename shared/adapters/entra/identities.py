"""Recognises callers by the tokens of one tenant, and by Easy Auth where that is on."""

from datetime import datetime

from shared.adapters.entra.bearer import bearer
from shared.adapters.entra.callers import caller_of_token
from shared.adapters.entra.claims import verified_claims
from shared.adapters.entra.easy_auth import caller_of_principal
from shared.adapters.entra.key_endpoint import KeyEndpoint
from shared.adapters.entra.signing_keys import Pace, SigningKeys
from shared.adapters.entra.tenant import ACTION_GROUP_APP_ID, PUBLIC_AUTHORITY, Tenant
from shared.model.caller import Caller
from shared.ports.people import Presented


class EntraIdentities:
    """Fulfils `ports.Identities`. Safe to use from many threads; the first token asks for the tenant's keys."""

    def __init__(
        self,
        *,
        tenant_id: str,
        audiences: tuple[str, ...],
        authority: str = PUBLIC_AUTHORITY,
        action_group_app_id: str = ACTION_GROUP_APP_ID,
        easy_auth: bool = False,
        pace: Pace | None = None,
    ) -> None:
        """Prepare it; nothing is asked for yet.

        Args:
            audiences: Whom tokens must be meant for: the client id (v2 tokens) and the api:// address (v1) of this app.
            easy_auth: App Service signs people in before a call gets here, so that its header can be believed.

        Raises:
            SettingsError: a value that cannot be used.
        """
        self._tenant = Tenant.checked(tenant_id, audiences, authority, action_group_app_id)
        self._easy_auth = easy_auth
        chosen = pace or Pace()
        self._keys = SigningKeys(KeyEndpoint(self._tenant, chosen.fetch_within).read, chosen)

    def of(self, presented: Presented, now: datetime) -> Caller:
        """Return the caller. A token decides, be it good or bad, whatever else is presented."""
        if self._easy_auth and presented.principal and not presented.authorization:
            return caller_of_principal(presented.principal, self._tenant, presented.origin)
        shown = bearer(presented.authorization, f"a bearer token of tenant {self._tenant.id}")
        claims = verified_claims(shown, self._keys.named(shown.key_id, now), self._tenant, now)
        return caller_of_token(claims, self._tenant, presented.origin)
