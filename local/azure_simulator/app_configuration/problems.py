"""The store's refusals: `application/problem+json`, as its REST reference shows them.

https://learn.microsoft.com/azure/azure-app-configuration/rest-api-key-value (and -throttling, -versioning)
"""

import json
from typing import Any

from aiohttp import web

MEDIA_TYPE = "application/problem+json"


def _problem(status: int, kind: str, title: str, headers: dict[str, str] | None = None, **more: Any) -> web.Response:
    body = {"type": f"https://azconfig.io/errors/{kind}", "title": title, **more, "status": status}
    return web.Response(status=status, text=json.dumps(body), content_type=MEDIA_TYPE, headers=headers)


def bad_argument(name: str, detail: str) -> web.Response:
    return _problem(400, "invalid-argument", f"Invalid request parameter '{name}'", name=name, detail=detail)


def unsupported_media_type() -> web.Response:
    return _problem(415, "unsupported-media-type", "The content type is not supported")


def forbidden() -> web.Response:
    return web.Response(status=403)


def not_found() -> web.Response:
    return web.Response(status=404)


def locked(key: str) -> web.Response:
    detail = "The key is read-only. To allow modification unlock it first."
    return _problem(409, "key-locked", f"Modifing key '{key}' is not allowed", name=key, detail=detail)


def precondition_failed() -> web.Response:
    return web.Response(status=412)


def too_many_requests(wait_ms: int) -> web.Response:
    title = "Resource utilization has surpassed the assigned quota"
    headers = {"retry-after-ms": str(wait_ms)}
    return _problem(429, "too-many-requests", title, headers, policy="Total Requests")
