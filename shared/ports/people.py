"""Telling people, and proving it to them later."""

from dataclasses import dataclass
from typing import Protocol

from shared.model.event import Delivery


@dataclass(frozen=True, slots=True)
class Signature:
    """An Ed25519 signature and the public key that checks it, both in base64."""

    value: str
    public_key: str


class Signer(Protocol):
    """Signs what must be provable later."""

    def sign(self, document: bytes) -> Signature: ...


class Channel(Protocol):
    """A way to tell people."""

    def send(self, delivery: Delivery) -> None: ...
