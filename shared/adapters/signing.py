"""Signs receipts with Ed25519 (RFC 8032), and checks such signatures."""

from base64 import b64decode, b64encode
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING

from shared.errors import SettingsError
from shared.ports import Signature

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_KEY_BYTES = 32


class Ed25519Signer:
    """Fulfils `ports.Signer`."""

    def __init__(self, key: str) -> None:
        """`key` is a private key: 32 bytes in base64.

        Raises:
            SettingsError: it is none.
        """
        try:
            self._seed = b64decode(key, validate=True)
        except ValueError:
            self._seed = b""
        if len(self._seed) != _KEY_BYTES:
            raise SettingsError(
                "no signing key; expected 32 bytes in base64, as `python -m shared.receipt new-key` prints"
            )

    def sign(self, document: bytes) -> Signature:
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        public = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return Signature(value=b64encode(self._key.sign(document)).decode(), public_key=b64encode(public).decode())

    @cached_property
    def _key(self) -> "Ed25519PrivateKey":
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return Ed25519PrivateKey.from_private_bytes(self._seed)


def is_signed(document: bytes, signature: Signature) -> bool:
    """Tell whether a document was signed by the key that the signature names."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        key = Ed25519PublicKey.from_public_bytes(b64decode(signature.public_key, validate=True))
        key.verify(b64decode(signature.value, validate=True), document)
    except (InvalidSignature, ValueError):  # a text that is no base64 is a ValueError, too
        return False
    return True


def fingerprint(public_key: str) -> str:
    """Return a short name of a public key, which people can compare."""
    return sha256(public_key.encode()).hexdigest()[:16]
