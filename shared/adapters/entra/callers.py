"""Who a token is of, and which roles were given to whom it is of.

Roles are the app roles of this app's registration, assigned to people, groups or apps in the tenant.
https://learn.microsoft.com/entra/identity-platform/howto-add-app-roles-in-apps
"""

from collections.abc import Iterable, Mapping

from shared.adapters.entra.claims import Claims
from shared.adapters.entra.tenant import Tenant, guid
from shared.model.caller import Caller, Proof, Role

ROLES: Mapping[str, Role] = {"Viewer": Role.VIEWER, "Operator": Role.OPERATOR, "Approver": Role.APPROVER}
ACTION_GROUP_ROLE = "ActionGroupsSecureWebhook"

_NAMES = ("preferred_username", "upn", "name")
_LONGEST_NAME = 120


def caller_of_token(claims: Claims, tenant: Tenant, origin: str) -> Caller:
    """Return whom verified claims speak of; who was given no role is a caller without one."""
    client = str(claims[tenant.client_claims[claims["iss"]]]).lower()
    given = claims.get("roles")
    words = [word for word in given if isinstance(word, str)] if isinstance(given, list) else []
    roles = roles_of(words)
    if ACTION_GROUP_ROLE in words and client == tenant.action_group_app_id and _acts_for_itself(claims):
        roles |= {Role.ALERT_SENDER}
    return Caller(
        id=entra_id(tenant.id, str(claims["oid"])),
        name=readable_name([*(claims.get(name) for name in _NAMES), client]),
        roles=roles,
        proof=Proof.TOKEN,
        origin=origin,
    )


def _acts_for_itself(claims: Claims) -> bool:
    """A token that an app got on behalf of a person names the scopes that the person agreed to."""
    return "scp" not in claims and claims.get("idtyp", "app") == "app"


def roles_of(words: Iterable[str]) -> frozenset[Role]:
    """Return the roles of people and apps; a word that is none counts for nothing."""
    return frozenset(ROLES[word] for word in words if word in ROLES)


def entra_id(tenant_id: str, object_id: str) -> str:
    """Return the id of a caller from the GUIDs of tenant and object, each in its one spelling."""
    return f"entra:{guid(tenant_id)}:{guid(object_id)}"


def readable_name(candidates: Iterable[object]) -> str:
    """Return the first that can be read, fit for a line of a log: people may choose their own names."""
    for candidate in candidates:
        if isinstance(candidate, str) and (name := _in_one_line(candidate)):
            return name
    return "without a name"


def _in_one_line(text: str) -> str:
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())[:_LONGEST_NAME]
