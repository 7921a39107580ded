"""Signed links by which a channel answers a question, and a channel that sends them along.

A link is `<address>/<token>`; the token is base64url, without padding, of

    version (1 byte) | expiry (4, Unix seconds) | nonce (12) | digest (32) | length of the id (1) | id | recipient | MAC

where MAC is the HMAC-SHA256 (RFC 2104) of all before it under the app's key. The whole link is the secret: it is made
when it is sent, kept nowhere, and its nonce is recorded by the answer that used it. To a channel of at most 48
characters the token has no more than 260, which is as long as http.sys takes a path segment (UrlSegmentMaxLength).
https://learn.microsoft.com/troubleshoot/developer/webapps/iis/iisadmin-service-inetinfo/httpsys-registry-windows
"""

import hmac
import re
import secrets
from base64 import b64decode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from struct import Struct

from shared.decision.asks import link_id
from shared.errors import SettingsError
from shared.model.ask import Ask, LinkClaim
from shared.model.event import Delivery, EventKind
from shared.ports import Channel

_VERSION = 1
_HEAD = Struct(">BI12s32sB")
_MAC_BYTES = 32
_NONCE_BYTES = 12
_FEWEST_KEY_BYTES = 32
_LONGEST_TOKEN = 1000
_PURPOSE = b"approval link\n"
_ADDRESS = re.compile(r"https?://[^/\s?#@]+(/[A-Za-z0-9._~/-]*)?", re.ASCII)


class Links:
    """Makes and reads links."""

    def __init__(self, key: str, address: str) -> None:
        """`key` is at least 32 bytes in base64; `address` is where links lead, less the token.

        Raises:
            SettingsError: one of them is of no use; nothing of the key is shown.
        """
        try:
            self._key = b64decode(key, validate=True)
        except ValueError:
            self._key = b""
        if len(self._key) < _FEWEST_KEY_BYTES:
            raise SettingsError("no key for links; expected at least 32 bytes in base64, as of `openssl rand`")
        if not _ADDRESS.fullmatch(address):
            raise SettingsError("no address for links; expected http or https, a host and a path")
        self._address = address.rstrip("/")

    def link(self, ask: Ask, recipient: str) -> str:
        """Return a new link by which a recipient answers a question as it stands."""
        return f"{self._address}/{self.token(ask, recipient)}"

    def token(self, ask: Ask, recipient: str) -> str:
        """Return what follows the address in a link."""
        name, expiry_s = ask.id.encode(), int(ask.expires_at.timestamp())
        nonce = secrets.token_bytes(_NONCE_BYTES)
        head = _HEAD.pack(_VERSION, expiry_s, nonce, bytes.fromhex(ask.digest), len(name))
        return _encoded(self._signed(head + name + recipient.encode()))

    def read(self, token: str) -> LinkClaim | None:
        """Return what a link says, or `None` when it is none of ours. Whether it still counts is not asked here."""
        raw = _decoded(token)
        if raw is None or not hmac.compare_digest(self._signed(raw[:-_MAC_BYTES]), raw):
            return None
        return _claim(raw[:-_MAC_BYTES])

    def _signed(self, content: bytes) -> bytes:
        return content + hmac.digest(self._key, _PURPOSE + content, "sha256")


def _encoded(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decoded(token: str) -> bytes | None:
    """Return the bytes of a token. One that is spelt otherwise than it would be made is none."""
    if len(token) > _LONGEST_TOKEN or not token.isascii():
        return None
    try:
        raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except ValueError:
        return None
    return raw if _encoded(raw) == token else None


def _claim(content: bytes) -> LinkClaim | None:
    if content[0] != _VERSION:
        return None
    _, expiry_s, nonce, digest, length = _HEAD.unpack_from(content)
    named = content[_HEAD.size :]
    return LinkClaim(
        ask_id=named[:length].decode(),
        recipient=named[length:].decode(),
        digest=digest.hex(),
        expires_at=datetime.fromtimestamp(expiry_s, UTC),
        nonce=nonce.hex(),
    )


class LinkedChannel:
    """Fulfils `ports.Channel`: sends a link along to whoever may answer a question by it.

    It is made at the moment of sending, so that no record and no log ever holds one.
    """

    def __init__(self, name: str, channel: Channel, links: Links, find: Callable[[str], Ask | None]) -> None:
        """`find` returns a question by its id."""
        self._name = name
        self._channel = channel
        self._links = links
        self._find = find

    def send(self, delivery: Delivery) -> None:
        ask = self._find(delivery.event.about) if delivery.event.kind is EventKind.ASKED else None
        if ask is not None and may_answer(ask, self._name):
            sentence = f"{delivery.event.sentence}; look at it and answer: {self._links.link(ask, self._name)}"
            delivery = replace(delivery, event=replace(delivery.event, sentence=sentence))
        self._channel.send(delivery)


def may_answer(ask: Ask, recipient: str) -> bool:
    """Tell whether a recipient can still answer a question by a link."""
    answered = any(given.by_id == link_id(recipient) for given in ask.counted)
    return not (ask.status.over or ask.four_eyes or answered) and recipient in ask.to
