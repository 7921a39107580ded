"""Makes tokens as Entra ID shapes them, and then whatever is asked to be wrong about them.

https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
"""

import time
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, field_validator

from local.azure_simulator.control.requests import ControlError
from local.azure_simulator.strict_model import StrictModel
from local.entra_issuer.directory import API_URI, CLIENT_ID, PRINCIPALS, TENANT_ID, Principal
from local.entra_issuer.key_ring import KeyRing, SigningKey
from local.entra_issuer.signatures import Algorithm, compact


class TokenRequest(StrictModel):
    """What is asked for. In `claims` and `headers` null takes away what would be there.

    Attributes:
        key: What it is signed with.
        named: The key that the header names, when it is another.
        embedded: The header brings the public key along (`jwk`).
    """

    who: str = "vera"
    version: Literal[1, 2] = 2
    claims: dict[str, Any] = Field(default={})
    headers: dict[str, Any] = Field(default={})
    key: str = "current"
    named: str | None = None
    embedded: bool = False
    algorithm: Algorithm = Algorithm.RS256
    issued_at_s: float | None = None
    lifetime_s: float = 3600

    @field_validator("who")
    @classmethod
    def _known(cls, who: str) -> str:
        if who not in PRINCIPALS:
            raise ValueError(f"nobody is called so; there are {', '.join(PRINCIPALS)}")
        return who


def mint(asked: TokenRequest, ring: KeyRing, authority: str) -> dict[str, Any]:
    """Return the token with the claims and the header that are in it.

    Raises:
        ControlError: there is no such key, or it cannot sign so.
    """
    key, named = _key(ring, asked.key), _key(ring, asked.named or asked.key)
    header = {"typ": "JWT", "alg": asked.algorithm.told, "kid": named.kid, "x5t": named.kid}
    header = _merged(header | ({"jwk": key.published} if asked.embedded else {}), asked.headers)
    claims = _merged(_claims(asked, authority), asked.claims)
    return {"token": compact(header, claims, key, asked.algorithm), "claims": claims, "header": header}


def _key(ring: KeyRing, name: str) -> SigningKey:
    if name not in ring.keys:
        raise ControlError(f"There is no key {name!r}; there are {', '.join(ring.keys)}.")
    return ring.keys[name]


def _claims(asked: TokenRequest, authority: str) -> dict[str, Any]:
    issued = int(time.time() if asked.issued_at_s is None else asked.issued_at_s)
    principal = PRINCIPALS[asked.who]
    times = {"iat": issued, "nbf": issued, "exp": issued + int(asked.lifetime_s)}
    who = {"tid": TENANT_ID, "oid": principal.object_id, "sub": principal.object_id, "roles": list(principal.roles)}
    form = _first_form(principal) if asked.version == 1 else _second_form(principal, authority)
    return _merged({}, {**times, **who, **form, **_of_a_person(principal)})


def _first_form(principal: Principal) -> dict[str, Any]:
    return {
        "ver": "1.0",
        "iss": f"https://sts.windows.net/{TENANT_ID}/",
        "aud": API_URI,
        "appid": principal.client_id,
        "upn": principal.user_name or None,
    }


def _second_form(principal: Principal, authority: str) -> dict[str, Any]:
    return {
        "ver": "2.0",
        "iss": f"{authority}/{TENANT_ID}/v2.0",
        "aud": CLIENT_ID,
        "azp": principal.client_id,
        "preferred_username": principal.user_name or None,
    }


def _of_a_person(principal: Principal) -> dict[str, Any]:
    return {"name": principal.name, "scp": "access_as_user"} if principal.user_name else {}


def _merged(given: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**given, **changes}.items() if value is not None}
