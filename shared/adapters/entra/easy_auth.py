"""Who signed in at App Service itself ("Easy Auth"), which passes the claims on in a header that it alone may set.

Without Easy Auth the platform lets the same header through from anybody. So it is read only when the settings say that
Easy Auth is on. It brings people alone: action groups send a token.
https://learn.microsoft.com/azure/app-service/configure-authentication-user-identities
"""

import json
from base64 import b64decode
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from shared.adapters.entra.callers import entra_id, readable_name, roles_of
from shared.adapters.entra.tenant import Tenant, guid
from shared.errors import NotAuthenticated
from shared.model.caller import Caller, Proof

LONGEST_PRINCIPAL_BYTES = 32 * 1024

_PROVIDER = "aad"
_SHORT_OF = {
    "http://schemas.microsoft.com/identity/claims/objectidentifier": "oid",
    "http://schemas.microsoft.com/identity/claims/tenantid": "tid",
    "http://schemas.microsoft.com/ws/2008/06/identity/claims/role": "roles",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn": "upn",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name": "name",
}
_NAMES = ("preferred_username", "upn", "name")

type Said = Mapping[str, Sequence[str]]


def caller_of_principal(principal: str, tenant: Tenant, origin: str) -> Caller:
    """Return whom the header speaks of.

    Raises:
        NotAuthenticated: it speaks of nobody of the tenant.
    """
    said = _claims(principal)
    if _the_one(said, "tid") != tenant.id:
        raise NotAuthenticated(f"the signed-in principal is of another tenant; expected {tenant.id}")
    object_id = _the_one(said, "oid")
    if object_id is None:
        raise NotAuthenticated("the signed-in principal names nobody (object identifier)")
    return Caller(
        id=entra_id(tenant.id, object_id),
        name=readable_name([*(name for kind in _NAMES for name in said.get(kind, ())), object_id]),
        roles=roles_of(said.get("roles", ())),
        proof=Proof.EASY_AUTH,
        origin=origin,
    )


def _claims(principal: str) -> Said:
    """Return what is said by the short names of claims, of which there may be many of a kind."""
    document = _document(principal)
    if document.get("auth_typ") != _PROVIDER or not isinstance(document.get("claims"), list):
        raise NotAuthenticated("the signed-in principal is not one of Entra ID")
    said: defaultdict[str, list[str]] = defaultdict(list)
    for claim in document["claims"]:
        kind, value = (claim.get("typ"), claim.get("val")) if isinstance(claim, dict) else (None, None)
        if isinstance(kind, str) and isinstance(value, str):
            said[_SHORT_OF.get(kind, kind)].append(value)
    return said


def _document(principal: str) -> dict[str, Any]:
    if len(principal) > LONGEST_PRINCIPAL_BYTES:
        raise NotAuthenticated(f"the signed-in principal is longer than {LONGEST_PRINCIPAL_BYTES // 1024} KiB")
    try:
        document = json.loads(b64decode(principal, validate=True))
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise NotAuthenticated("the signed-in principal cannot be read; expected JSON in base64")
    return document


def _the_one(said: Said, kind: str) -> str | None:
    """Return the GUID of a claim that all of its kind agree on."""
    found = {guid(value) for value in said.get(kind, ())}
    return found.pop() if len(found) == 1 else None
