"""The routes of a store: `/kv` and `/locks`.

https://learn.microsoft.com/azure/azure-app-configuration/rest-api-key-value (and -locks)
"""

import json
import math
import re
import time
from collections.abc import Callable
from email.utils import format_datetime
from typing import Any

from aiohttp import web
from pydantic import ValidationError

from local.azure_simulator.api import Audience, Call, Handler, Route
from local.azure_simulator.app_configuration import problems
from local.azure_simulator.app_configuration.conditions import (
    condition_refusal,
    filter_for,
    label_of,
    sequence_of,
    sync_token,
)
from local.azure_simulator.app_configuration.config import KeyValueConfig
from local.azure_simulator.app_configuration.store import KeyValue, Name, Store, View
from local.azure_simulator.arm.checks import permission
from local.azure_simulator.faults import Api

KV = "application/vnd.microsoft.appconfig.kv+json"
KVSET = "application/vnd.microsoft.appconfig.kvset+json"
WRITABLE = frozenset({KV, "application/json"})
SETTABLE = ("value", "content_type", "tags", "description")
VERSION = re.compile(r"1\.0|20\d\d-\d\d-\d\d(-preview)?")

type Json = dict[str, Any]
type Answer = Callable[[Call], web.Response]


async def get_key_value(call: Call) -> web.Response:
    held = _store(call).seen(_name(call), _view(call))
    if refusal := condition_refusal(call.request, held):
        return refusal
    return _told(held) if held else problems.not_found()


async def list_key_values(call: Call) -> web.Response:
    filters = {name: filter_for(call.request.query.get(name)) for name in ("key", "label")}
    for name, matches in filters.items():
        if matches is None:
            return problems.bad_argument(name, f"{name}: Invalid character")
    found = [
        _view_of(held)
        for held in _store(call).all_seen(_view(call))
        if all(matches(getattr(held.content, name)) for name, matches in filters.items() if matches)
    ]
    return web.Response(text=json.dumps({"items": found}), content_type=KVSET, charset="utf-8")


async def put_key_value(call: Call) -> web.Response:
    if call.request.content_type not in WRITABLE:
        return problems.unsupported_media_type()
    key, label = _name(call)
    body = call.body if isinstance(call.body, dict) else {}
    fields = {name: body[name] for name in SETTABLE if body.get(name) is not None}
    try:
        content = KeyValueConfig.model_validate({"key": key, "label": label, **fields}, strict=True)
    except ValidationError as invalid:
        return problems.bad_argument(str(invalid.errors()[0]["loc"][0]), "Invalid value")
    return _write(call, lambda store: store.put(content))


async def delete_key_value(call: Call) -> web.Response:
    return _write(call, lambda store: _drop(store, _name(call)))


def _drop(store: Store, name: Name) -> KeyValue | None:
    held = store.latest(name)
    if held:
        store.drop(name)
    return held


async def put_lock(call: Call) -> web.Response:
    return _lock(call, locked=True)


async def delete_lock(call: Call) -> web.Response:
    return _lock(call, locked=False)


def _lock(call: Call, *, locked: bool) -> web.Response:
    store = _store(call)
    held = store.latest(_name(call))
    if held is None:
        return problems.not_found()
    if refusal := condition_refusal(call.request, held):
        return refusal
    return _told(store.put(held.content.model_copy(update={"locked": locked})))


def _write(call: Call, change: Callable[[Store], KeyValue | None]) -> web.Response:
    """Conditions are held against what is there, however a reader sees it."""
    store = _store(call)
    held = store.latest(_name(call))
    if refusal := condition_refusal(call.request, held):
        return refusal
    if held and held.content.locked:
        return problems.locked(held.content.key)
    changed = change(store)
    call.background.spawn(call.simulation.feature_cache.refresh_after(call.simulation.timings.feature_refresh_s))
    return _told(changed) if changed else web.Response(status=204)


def _told(held: KeyValue) -> web.Response:
    headers = {"ETag": f'"{held.etag}"', "Last-Modified": format_datetime(held.last_modified, usegmt=True)}
    return web.Response(text=json.dumps(_view_of(held)), content_type=KV, charset="utf-8", headers=headers)


def _view_of(held: KeyValue) -> Json:
    content = held.content.model_dump()
    return {**content, "label": content["label"] or None, "etag": held.etag} | {
        "last_modified": held.last_modified.isoformat(timespec="seconds")
    }


def _store(call: Call) -> Store:
    return call.simulation.key_values


def _name(call: Call) -> Name:
    return call.parameters["key"], label_of(call.request)


def _view(call: Call) -> View:
    """Without a sync token a reader may be told what was so some moments ago; with a `stale` fault it surely is."""
    if call.as_of_s is not None:
        return View(settled_by_s=call.as_of_s, sequence=0)
    settled_by_s = time.time() - call.simulation.timings.key_value_settles_s
    return View(settled_by_s, sequence_of(call.request.headers.get("Sync-Token", "")))


def _checked(handler: Handler) -> Handler:
    async def handle(call: Call) -> web.Response:
        response = _refusal(call) or await handler(call)
        response.headers["Sync-Token"] = sync_token(_store(call).sequence)
        return response

    return handle


def _refusal(call: Call) -> web.Response | None:
    if not VERSION.fullmatch(call.request.query.get("api-version", "")):
        return problems.bad_argument("api-version", "The request api-version is missing or not supported")
    limits = call.simulation.throttling
    if wait_s := _store(call).quota.take(limits.key_value_bucket, limits.key_value_refill_per_s):
        return problems.too_many_requests(math.ceil(wait_s * 1000))
    return problems.forbidden() if permission(call) else None


def _route(method: str, path: str, handler: Handler, action: str) -> Route:
    api = Api.KEY_VALUE_READ if method == "GET" else Api.KEY_VALUE_WRITE
    rights = f"Microsoft.AppConfiguration/configurationStores/keyValues/{action}"
    return Route(method, re.compile(path), _checked(handler), api, Audience.APP_CONFIGURATION, rights)


APP_CONFIGURATION_ROUTES = [
    _route("GET", "/kv", list_key_values, "read"),
    _route("GET", "/kv/(?P<key>.+)", get_key_value, "read"),
    _route("PUT", "/kv/(?P<key>.+)", put_key_value, "write"),
    _route("DELETE", "/kv/(?P<key>.+)", delete_key_value, "delete"),
    _route("PUT", "/locks/(?P<key>.+)", put_lock, "write"),
    _route("DELETE", "/locks/(?P<key>.+)", delete_lock, "write"),
]
