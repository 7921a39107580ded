"""The signatures of a JWS (RFC 7515, 7518), by hand: a library refuses to forge, and forging is what this is for."""

import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from local.azure_simulator.control.requests import ControlError
from local.entra_issuer.key_ring import SigningKey

_ES256_PART_BYTES = 32


class Algorithm(StrEnum):
    """How a token is signed; what stands behind the colon is not told in its header."""

    RS256 = "RS256"
    RS384 = "RS384"
    PS256 = "PS256"
    ES256 = "ES256"
    NONE = "none"
    HS256_WITH_PEM = "HS256:pem"
    HS256_WITH_JWK = "HS256:jwk"

    @property
    def told(self) -> str:
        """What the header says of it."""
        return self.value.partition(":")[0]


def compact(header: Mapping[str, Any], claims: Mapping[str, Any], key: SigningKey, algorithm: Algorithm) -> str:
    """Return a token.

    Raises:
        ControlError: the key cannot sign so.
    """
    parts = [_base64url(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims)]
    signed = ".".join(parts)
    return f"{signed}.{_base64url(_SIGN[algorithm](key, signed.encode()))}"


def _with_rsa(hashing: type[HashAlgorithm]) -> Callable[[SigningKey, bytes], bytes]:
    return lambda key, signed: _rsa(key).sign(signed, padding.PKCS1v15(), hashing())


def _with_pss(key: SigningKey, signed: bytes) -> bytes:
    return _rsa(key).sign(signed, padding.PSS(padding.MGF1(SHA256()), SHA256.digest_size), SHA256())


def _with_ec(key: SigningKey, signed: bytes) -> bytes:
    if not isinstance(key.private, EllipticCurvePrivateKey):
        raise ControlError("Only the key elliptic signs with ES256.")
    parts = decode_dss_signature(key.private.sign(signed, ec.ECDSA(SHA256())))
    return b"".join(part.to_bytes(_ES256_PART_BYTES) for part in parts)


def _with_pem_as_secret(key: SigningKey, signed: bytes) -> bytes:
    pem = key.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return hmac.digest(pem, signed, "sha256")


def _with_jwk_as_secret(key: SigningKey, signed: bytes) -> bytes:
    return hmac.digest(json.dumps(key.published, separators=(",", ":")).encode(), signed, "sha256")


def _rsa(key: SigningKey) -> RSAPrivateKey:
    if not isinstance(key.private, RSAPrivateKey):
        raise ControlError("The key elliptic signs with ES256 alone.")
    return key.private


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


_SIGN: Mapping[Algorithm, Callable[[SigningKey, bytes], bytes]] = {
    Algorithm.RS256: _with_rsa(SHA256),
    Algorithm.RS384: _with_rsa(SHA384),
    Algorithm.PS256: _with_pss,
    Algorithm.ES256: _with_ec,
    Algorithm.NONE: lambda _key, _signed: b"",
    Algorithm.HS256_WITH_PEM: _with_pem_as_secret,
    Algorithm.HS256_WITH_JWK: _with_jwk_as_secret,
}
