"""The keys of the tenant, made when it starts: those it signs with, and those that a verifier must see through.

As in Entra ID the next key is published before anything is signed with it, and a key may name whose tokens it signs.
"""

import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from local.entra_issuer.directory import CONSUMER_TENANT_ID

_EXPONENT = 65_537
_BITS = 2048
_WEAK_BITS = 1024
_EC_PART_BYTES = 32
_PUBLISHED = ("current", "next", "elliptic", "consumer", "weak")
# In a real answer the tenant's id, or this word, stands for the tenant.
_ANY_TENANT = "{tenantid}"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key pair, and what is published of it (RFC 7517)."""

    kid: str
    private: RSAPrivateKey | EllipticCurvePrivateKey
    published: Mapping[str, Any]


class KeyRing:
    """The keys by what they are for.

    `current` and `next` sign; `elliptic`, `consumer` (of another tenant) and `weak` are published and must not count;
    `foreign` was never published; `retired` is there after a rotation, and is published no longer.
    """

    def __init__(self, authority: str) -> None:
        self._authority = authority
        self.keys: dict[str, SigningKey] = {
            "current": self._rsa(),
            "next": self._rsa(),
            "elliptic": self._elliptic(),
            "consumer": self._rsa(tenant=CONSUMER_TENANT_ID),
            "weak": self._rsa(bits=_WEAK_BITS),
            "foreign": self._rsa(),
        }

    def rotate(self) -> None:
        """Sign with the next key from now on; the present one is withdrawn."""
        keys = self.keys
        keys["retired"], keys["current"], keys["next"] = keys["current"], keys["next"], self._rsa()

    def document(self) -> dict[str, Any]:
        """What the tenant publishes."""
        return {"keys": [dict(self.keys[name].published) for name in _PUBLISHED]}

    def _rsa(self, *, tenant: str = _ANY_TENANT, bits: int = _BITS) -> SigningKey:
        private = rsa.generate_private_key(_EXPONENT, bits)
        public = private.public_key().public_numbers()
        parts = {"kty": "RSA", "n": _number(public.n, bits // 8), "e": _number(public.e, 3)}
        return self._key(private, tenant, parts)

    def _elliptic(self) -> SigningKey:
        private = ec.generate_private_key(ec.SECP256R1())
        public = private.public_key().public_numbers()
        x, y = _number(public.x, _EC_PART_BYTES), _number(public.y, _EC_PART_BYTES)
        return self._key(private, _ANY_TENANT, {"kty": "EC", "crv": "P-256", "x": x, "y": y})

    def _key(
        self, private: RSAPrivateKey | EllipticCurvePrivateKey, tenant: str, parts: Mapping[str, str]
    ) -> SigningKey:
        kid = secrets.token_urlsafe(20)
        issuer = f"{self._authority}/{tenant}/v2.0"
        return SigningKey(kid, private, {**parts, "use": "sig", "kid": kid, "x5t": kid, "issuer": issuer})


def _number(value: int, size: int) -> str:
    return urlsafe_b64encode(value.to_bytes(size)).rstrip(b"=").decode()
