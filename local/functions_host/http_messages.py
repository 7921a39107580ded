"""An aiohttp request as the worker takes it, and the worker's answer as an aiohttp response.

RpcMessageConversionExtensions.cs: repeated query values and headers are joined with commas, empty
query values are dropped, the body travels as bytes.
"""

from email.utils import formatdate
from http.cookies import SimpleCookie
from types import SimpleNamespace
from typing import Any

from aiohttp import web
from multidict import CIMultiDict

from local.functions_host.messages import TypedData

# The server computes these itself; a second value would break the framing.
FRAMING_HEADERS = {"content-length", "transfer-encoding", "connection"}
COOKIE_ATTRIBUTES = {
    "domain": "domain",
    "path": "path",
    "max_age": "max-age",
    "secure": "secure",
    "http_only": "httponly",
}


async def request_to_typed_data(request: web.Request, route_params: dict[str, str]) -> TypedData:
    http = SimpleNamespace(
        method=request.method,
        url=str(request.url),
        headers={name.lower(): ",".join(request.headers.getall(name)) for name in request.headers},
        query={name: value for name, value in _joined_query(request).items() if value},
        params=route_params,
        body=TypedData(bytes=await request.read()),
    )
    return TypedData(http=http)


def _joined_query(request: web.Request) -> dict[str, str]:
    return {name: ",".join(request.query.getall(name)) for name in request.query}


def response_from_typed_data(value: TypedData | None) -> web.Response:
    if value is None:
        return web.Response(status=204)
    kind = value.WhichOneof("data")
    if kind == "http":
        return _from_http(value.http)
    body = getattr(value, kind)
    return web.Response(text=body if isinstance(body, str) else str(body))


def _from_http(http: Any) -> web.Response:
    headers = CIMultiDict({k: v for k, v in http.headers.items() if k.lower() not in FRAMING_HEADERS})
    for cookie in http.cookies or []:
        headers.add("Set-Cookie", _set_cookie(cookie))
    body = getattr(http.body, http.body.WhichOneof("data"))
    return web.Response(status=int(http.status_code), headers=headers, body=body)


def _set_cookie(cookie: Any) -> str:
    """The header's value for an RpcHttpCookie; unset attributes are None."""
    jar = SimpleCookie({cookie.name: cookie.value})
    morsel = jar[cookie.name]
    for field, attribute in COOKIE_ATTRIBUTES.items():
        wrapped = getattr(cookie, field)
        if wrapped is not None and wrapped.value:
            morsel[attribute] = int(wrapped.value) if field == "max_age" else wrapped.value
    if cookie.expires is not None:
        morsel["expires"] = formatdate(cookie.expires.value.seconds, usegmt=True)
    if cookie.same_site:
        morsel["samesite"] = cookie.same_site.name.removeprefix("Explicit")
    return morsel.OutputString()
