"""Telling people, and proving it to them later."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.model.caller import Caller
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """What a call shows of who makes it.

    Attributes:
        authorization: The header of that name; empty when there is none.
        principal: The header `X-MS-CLIENT-PRINCIPAL`, base64 of JSON; worthless unless Easy Auth is on.
        origin: The client's address as the platform tells it.
    """

    authorization: str = ""
    principal: str = ""
    origin: str = ""


class Identities(Protocol):
    """Recognises who calls."""

    def of(self, presented: Presented, now: datetime) -> Caller:
        """Return the caller.

        Raises:
            NotAuthenticated: what is presented proves nobody.
            TransientError: the keys to check it with cannot be had.
        """
        ...
