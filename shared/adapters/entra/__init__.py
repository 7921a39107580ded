"""Who calls: tokens of one Entra ID tenant, what Easy Auth passes on, or the function key alone.

The way of a token: `bearer` (is it one?), `signing_keys` over `key_endpoint` (who signed it?), `claims` (is it meant
for us, now?), `callers` (who is it, with which roles?). What a token says of algorithms or addresses is never followed.
"""

from shared.adapters.entra.identities import EntraIdentities
from shared.adapters.entra.key_identities import KeyIdentities
from shared.adapters.entra.signing_keys import Pace
from shared.adapters.entra.tenant import ACTION_GROUP_APP_ID, PUBLIC_AUTHORITY

__all__ = ["ACTION_GROUP_APP_ID", "PUBLIC_AUTHORITY", "EntraIdentities", "KeyIdentities", "Pace"]
