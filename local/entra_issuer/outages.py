"""What can be wrong with the place where keys are published."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from aiohttp import web
from pydantic import Field

from local.azure_simulator.strict_model import StrictModel

_HANG_S = 3600.0
_BETWEEN_BYTES_S = 0.05
_HUGE_BYTES = 4 * 1024 * 1024
ELSEWHERE = "/elsewhere"


class Mode(StrEnum):
    """How the keys are answered."""

    UP = "up"
    UNAVAILABLE = "unavailable"
    HANG = "hang"
    DRIP = "drip"
    CUT = "cut"
    HUGE = "huge"
    NOT_JSON = "not_json"
    NO_SET = "no_set"
    NO_KEYS = "no_keys"
    REDIRECT = "redirect"


class KeysRequest(StrictModel):
    """How keys are answered from now on: `delay_s` goes before whatever the mode does."""

    mode: Mode = Mode.UP
    delay_s: float = Field(default=0.0, ge=0)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for keys, and what it would be answered if nothing were wrong."""

    request: web.Request
    document: bytes


async def answer(asked: Asked, how: KeysRequest) -> web.StreamResponse:
    await asyncio.sleep(how.delay_s)
    return await _ANSWERS[how.mode](asked)


async def _hang(asked: Asked) -> web.StreamResponse:
    await asyncio.sleep(_HANG_S)
    return _plain(asked.document)


async def _drip(asked: Asked) -> web.StreamResponse:
    """A byte now and then: each wait is short, and all of them together never end."""
    response = web.StreamResponse(headers={"Content-Length": str(len(asked.document))})
    await response.prepare(asked.request)
    for number in range(len(asked.document)):
        await response.write(asked.document[number : number + 1])
        await asyncio.sleep(_BETWEEN_BYTES_S)
    return response


async def _cut(asked: Asked) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": str(len(asked.document))})
    await response.prepare(asked.request)
    await response.write(asked.document[: len(asked.document) // 2])
    if asked.request.transport is not None:
        asked.request.transport.close()
    return response


def _plain(body: bytes, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(body=body, status=status, content_type="application/json", headers=headers)


def _always(body: Callable[[bytes], bytes], **options: Any) -> Callable[[Asked], Awaitable[web.StreamResponse]]:
    async def say(asked: Asked) -> web.StreamResponse:
        return _plain(body(asked.document), **options)

    return say


def _padded(document: bytes) -> bytes:
    """A good set of keys, if one reads to the end of it."""
    return json.dumps({"padding": "x" * _HUGE_BYTES} | json.loads(document)).encode()


_ANSWERS: Mapping[Mode, Callable[[Asked], Awaitable[web.StreamResponse]]] = {
    Mode.UP: _always(lambda document: document),
    Mode.UNAVAILABLE: _always(lambda _: b"", status=503),
    Mode.HANG: _hang,
    Mode.DRIP: _drip,
    Mode.CUT: _cut,
    Mode.HUGE: _always(_padded),
    Mode.NOT_JSON: _always(lambda _: b"<!doctype html><title>We will be back soon</title>"),
    Mode.NO_SET: _always(lambda _: b'["keys"]'),
    Mode.NO_KEYS: _always(lambda _: b'{"keys": []}'),
    Mode.REDIRECT: _always(lambda _: b"", status=302, headers={"Location": ELSEWHERE}),
}
