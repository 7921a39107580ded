"""Reads the keys that a tenant publishes: one bounded request, and of the answer only what can verify RS256.

A key may say whose tokens it signs (`issuer`). One for another tenant, or for personal accounts, is left out: a token
of ours that it signed would be forged. Only modulus and exponent are taken, so that a key says nothing of its own use.
https://learn.microsoft.com/entra/identity-platform/access-tokens#validate-the-issuer
"""

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpcore

from shared.adapters.bounded_http import EXCHANGE_ERRORS, Connection
from shared.adapters.entra.bearer import ALGORITHM
from shared.adapters.entra.tenant import Tenant
from shared.errors import TransientError

if TYPE_CHECKING:
    from jwt import PyJWK

type Keys = Mapping[str, "PyJWK"]

_MOST_BYTES = 256 * 1024
_SHORTEST_KEY_BITS = 2048
_HEADERS = {"user-agent": "rollback-controller/1", "accept": "application/json", "accept-encoding": "identity"}
_OK = 200


class KeyEndpoint:
    """Where a tenant's keys are read."""

    def __init__(self, tenant: Tenant, within: timedelta) -> None:
        """`within` bounds the whole exchange, however slowly it is answered."""
        self._tenant = tenant
        self._within = within

    def read(self) -> Keys:
        """Return the keys by their names; there is at least one.

        Raises:
            TransientError: there was no answer, or none that holds a key.
        """
        keys = usable_keys(self._answer(), self._tenant)
        if not keys:
            raise TransientError("the answer holds no key for RS256")
        return keys

    def _answer(self) -> bytes:
        try:
            with (
                Connection() as connection,
                connection.exchange("GET", self._tenant.keys_url, headers=_HEADERS, within=self._within) as answer,
            ):
                if answer.status != _OK:
                    raise TransientError(f"the answer was HTTP {answer.status}")
                return _body(answer)
        except EXCHANGE_ERRORS as error:
            raise TransientError(f"there was no whole answer: {type(error).__name__}") from None


def _body(answer: httpcore.Response) -> bytes:
    body = bytearray()
    for piece in answer.iter_stream():
        body += piece
        if len(body) > _MOST_BYTES:
            raise TransientError(f"the answer is longer than {_MOST_BYTES // 1024} KiB")
    return bytes(body)


def usable_keys(document: bytes, tenant: Tenant) -> Keys:
    """Return the keys of a JWK set (RFC 7517) that tokens of a tenant may be signed with.

    Raises:
        TransientError: it is no JWK set.
    """
    try:
        entries = json.loads(document)["keys"]
    except (ValueError, RecursionError, TypeError, KeyError):
        raise TransientError("the answer is no set of keys") from None
    if not isinstance(entries, list):
        raise TransientError("the answer is no set of keys")
    named = (entry for entry in entries if isinstance(entry, dict) and _is_for(entry, tenant))
    return {entry["kid"]: key for entry in named for key in _public_key(entry)}


def _is_for(entry: Mapping[str, Any], tenant: Tenant) -> bool:
    issuer = str(entry.get("issuer", "")).replace("{tenantid}", tenant.id)
    return (
        isinstance(entry.get("kid"), str)
        and entry.get("kty") == "RSA"
        and entry.get("use", "sig") == "sig"
        and entry.get("alg", ALGORITHM) == ALGORITHM
        and (not issuer or issuer in tenant.client_claims)
    )


def _public_key(entry: Mapping[str, Any]) -> Iterator["PyJWK"]:
    """Yield the key of an entry, if it holds one that is long enough."""
    from jwt import PyJWK, PyJWTError

    modulus, exponent = entry.get("n"), entry.get("e")
    if not (isinstance(modulus, str) and isinstance(exponent, str)):
        return
    try:
        key = PyJWK({"kty": "RSA", "n": modulus, "e": exponent}, ALGORITHM)
    except PyJWTError:
        return
    if key.key.key_size >= _SHORTEST_KEY_BITS:
        yield key
