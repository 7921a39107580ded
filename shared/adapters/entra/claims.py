"""Whether a token is meant for this app, now. Each rule gives the reason to refuse, or `None`.

The claims were signed by the tenant; that makes them true, not meant for us.
https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from shared.adapters.entra.bearer import ALGORITHM, Bearer
from shared.adapters.entra.tenant import Tenant, guid
from shared.errors import NotAuthenticated

if TYPE_CHECKING:
    from jwt import PyJWK

type Claims = Mapping[str, Any]
type Rule = Callable[[Claims, Tenant, datetime], str | None]

LEEWAY = timedelta(seconds=60)

# A day less than the calendar has: what is added to a time must still be one.
_LAST_SECOND = datetime.max.replace(tzinfo=UTC).timestamp() - 86_400


def verified_claims(shown: Bearer, key: "PyJWK", tenant: Tenant, now: datetime) -> Claims:
    """Return what a token says, once its signature is verified and every rule is kept.

    Raises:
        NotAuthenticated: the first thing that is wrong with it.
    """
    claims = _signed_claims(shown, key)
    for rule in RULES:
        if why := rule(claims, tenant, now):
            raise NotAuthenticated(why)
    return claims


def _signed_claims(shown: Bearer, key: "PyJWK") -> Claims:
    from jwt import PyJWS, PyJWTError

    try:
        payload = PyJWS(algorithms=[ALGORITHM]).decode(shown.token, key, algorithms=[ALGORITHM])
        claims = json.loads(payload)
    except PyJWTError:  # its text may quote the token
        raise NotAuthenticated("the token's signature does not fit") from None
    except (ValueError, RecursionError):
        claims = None
    if not isinstance(claims, dict):
        raise NotAuthenticated("the token holds no claims; expected a JSON object")
    return claims


def _wrong_issuer(claims: Claims, tenant: Tenant, _: datetime) -> str | None:
    known = isinstance(claims.get("iss"), str) and claims["iss"] in tenant.client_claims
    return None if known else f"the token is of another issuer; expected tenant {tenant.id}"


def _wrong_tenant(claims: Claims, tenant: Tenant, _: datetime) -> str | None:
    return None if guid(claims.get("tid")) == tenant.id else f"the token is of another tenant; expected {tenant.id}"


def _wrong_audience(claims: Claims, tenant: Tenant, _: datetime) -> str | None:
    meant_for_us = isinstance(claims.get("aud"), str) and claims["aud"] in tenant.audiences
    expected = " or ".join(sorted(tenant.audiences))
    return None if meant_for_us else f"the token is for another audience; expected {expected}"


def _no_times(claims: Claims, _: Tenant, __: datetime) -> str | None:
    unusable = [name for name in ("exp", "nbf", "iat") if _moment(claims.get(name)) is None]
    return f"the token lacks a usable time: {', '.join(unusable)}" if unusable else None


def _expired(claims: Claims, _: Tenant, now: datetime) -> str | None:
    until = _moment(claims["exp"])
    return f"the token expired at {_said(until)}" if until is not None and now >= until + LEEWAY else None


def _not_yet_valid(claims: Claims, _: Tenant, now: datetime) -> str | None:
    begins = _moment(claims["nbf"])
    return f"the token is not valid before {_said(begins)}" if begins is not None and now < begins - LEEWAY else None


def _issued_wrongly(claims: Claims, _: Tenant, now: datetime) -> str | None:
    issued, until = _moment(claims["iat"]), _moment(claims["exp"])
    if issued is not None and issued - LEEWAY > now:
        return "the token says that it was issued in the future"
    if issued is not None and until is not None and issued > until:
        return "the token says that it expired before it was issued"
    return None


def _no_client(claims: Claims, tenant: Tenant, _: datetime) -> str | None:
    """An ID token tells a client who signed in. It is no key to an API, though its audience may be the same."""
    name = tenant.client_claims[claims["iss"]]
    return None if guid(claims.get(name)) else f"the token names no client ({name}); expected an access token"


def _nobody(claims: Claims, _: Tenant, __: datetime) -> str | None:
    return None if guid(claims.get("oid")) else "the token names nobody (oid)"


RULES: tuple[Rule, ...] = (
    _wrong_issuer,
    _wrong_tenant,
    _wrong_audience,
    _no_times,
    _expired,
    _not_yet_valid,
    _issued_wrongly,
    _no_client,
    _nobody,
)


def _moment(seconds: object) -> datetime | None:
    """Return a NumericDate (RFC 7519) as a moment; `None` if it is none that a clock could show."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds < _LAST_SECOND:
        return None
    return datetime.fromtimestamp(seconds, UTC)


def _said(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
