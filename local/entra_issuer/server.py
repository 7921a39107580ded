"""Puts the tenant on the wire: its keys where Entra ID has them, and control beside them."""

import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator
from socket import create_server
from typing import Any

from aiohttp import web

from local.azure_simulator.control.requests import explain_bad_input, read_body
from local.entra_issuer.directory import API_URI, CLIENT_ID, TENANT_ID
from local.entra_issuer.key_ring import KeyRing
from local.entra_issuer.minting import TokenRequest, mint
from local.entra_issuer.outages import ELSEWHERE, Asked, KeysRequest, answer

KEYS_PATH = f"/{TENANT_ID}/discovery/v2.0/keys"
_DRAIN_S = 0.1  # requests that hang on purpose must not keep a process that was told to end


class Issuer:
    """The tenant as it is now."""

    def __init__(self, authority: str) -> None:
        self.authority = authority
        self._ring = KeyRing(authority)
        self._answering = KeysRequest()
        self._asked: Counter[str] = Counter()

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/_control/state", self.get_state),
            web.post("/_control/token", self.post_token),
            web.post("/_control/rotate", self.post_rotate),
            web.put("/_control/keys", self.put_keys),
            web.get(KEYS_PATH, self.get_keys),
            web.get(ELSEWHERE, self.get_elsewhere),
            web.route("*", "/{anything:.*}", self.nothing_here),
        ]

    async def get_keys(self, request: web.Request) -> web.StreamResponse:
        self._asked[request.path] += 1
        return await answer(Asked(request, self._document()), self._answering)

    async def get_elsewhere(self, request: web.Request) -> web.StreamResponse:
        self._asked[request.path] += 1
        return web.Response(body=self._document(), content_type="application/json")

    async def nothing_here(self, request: web.Request) -> web.StreamResponse:
        self._asked[request.path] += 1
        return web.json_response({"error": "There is nothing at this address."}, status=404)

    async def get_state(self, _: web.Request) -> web.Response:
        return web.json_response(self._state())

    async def post_token(self, request: web.Request) -> web.Response:
        asked = await read_body(request, TokenRequest)
        return web.json_response(mint(asked, self._ring, self.authority))

    async def post_rotate(self, _: web.Request) -> web.Response:
        self._ring.rotate()
        return web.json_response(self._state())

    async def put_keys(self, request: web.Request) -> web.Response:
        self._answering = await read_body(request, KeysRequest)
        return web.json_response(self._state())

    def _document(self) -> bytes:
        return json.dumps(self._ring.document()).encode()

    def _state(self) -> dict[str, Any]:
        return {
            "fetches": self._asked[KEYS_PATH],
            "asked": dict(self._asked),
            "keys": {name: key.kid for name, key in self._ring.keys.items()},
            "answering": self._answering.model_dump(),
        }


@contextlib.asynccontextmanager
async def running_issuer(port: int) -> AsyncIterator[dict[str, Any]]:
    """Yield what the ready line says."""
    listening = create_server(("127.0.0.1", port))
    authority = f"http://127.0.0.1:{listening.getsockname()[1]}"
    app = web.Application(middlewares=[explain_bad_input])
    app.add_routes(Issuer(authority).routes())
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_DRAIN_S)
    await runner.setup()
    try:
        await web.SockSite(runner, listening).start()
        yield {
            "authority": authority,
            "tenant": TENANT_ID,
            "audiences": [CLIENT_ID, API_URI],
            "keys": f"{authority}{KEYS_PATH}",
            "control": f"{authority}/_control",
        }
    finally:
        await runner.cleanup()
