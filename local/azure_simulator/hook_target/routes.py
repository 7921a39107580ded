"""`POST /hook/orders` gives an order, `GET /hook/state` reads the state back; both want a signature."""

import asyncio
import re
from typing import Any

from aiohttp import web

from local.azure_simulator.api import Audience, Call, Handler, Route
from local.azure_simulator.faults import Api
from local.azure_simulator.hook_target.target import HookTarget, is_order


async def take_order(call: Call) -> web.Response:
    target, key = call.simulation.hook_target, call.request.headers.get("Idempotency-Key", "")
    if not target.vouches(call.request.headers.get("X-Signature", ""), await call.request.read()):
        return _refusal(401, "The signature does not fit, or it is too old.")
    if not key or not is_order(call.body):
        return _refusal(400, "Expected an Idempotency-Key and an order with desired values.")
    if target.contradicts(key, call.body):
        return _refusal(422, "The key was used for another order.")
    if delay_s := call.simulation.timings.hook_s:
        call.background.spawn(_take_later(target, key, call.body, delay_s))
        return web.json_response({"accepted": key}, status=202)
    target.take(key, call.body)
    return web.json_response({"done": key})


async def _take_later(target: HookTarget, key: str, order: dict[str, Any], delay_s: float) -> None:
    await asyncio.sleep(delay_s)
    target.take(key, order)


async def tell_state(call: Call) -> web.Response:
    target = call.simulation.hook_target
    if not target.vouches(call.request.headers.get("X-Signature", ""), call.request.raw_path.encode()):
        return _refusal(401, "The signature does not fit, or it is too old.")
    return web.json_response(target.state)


def _refusal(status: int, sentence: str) -> web.Response:
    return web.json_response({"error": sentence}, status=status)


def _route(method: str, path: str, handler: Handler, api: Api) -> Route:
    return Route(method, re.compile(path), handler, api, Audience.NOBODY)


HOOK_ROUTES = [
    _route("POST", "/hook/orders", take_order, Api.HOOK_CALL),
    _route("GET", "/hook/state", tell_state, Api.HOOK_READ),
]
