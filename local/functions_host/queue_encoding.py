"""How a queue message's text stands for a body: `extensions.queues.messageEncoding` in host.json."""

import base64
import binascii


class UndecodableMessage(Exception):
    """The text is not what messageEncoding promises."""


def encode(body: bytes, encoding: str) -> str:
    return base64.b64encode(body).decode("ascii") if encoding == "base64" else body.decode("utf-8")


def decode(text: str, encoding: str) -> bytes:
    if encoding == "none":
        return text.encode("utf-8")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise UndecodableMessage(f"the message is not base64: {error}") from None
