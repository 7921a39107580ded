"""What one can do in the demo shop: log in, order, look an order up, cancel it. A journey through it ends as it began.

`POST /login {user, password}` gives a token, as JSON and as the cookie `session`; `/orders` wants either of both. A
token is signed and not stored, so that every build accepts those of the others. Orders live in the process of a build.
"""

import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

from aiohttp import web

PASSWORD = "open-sesame"  # noqa: S105  # of every user of a shop that sells nothing
SESSION = "session"
_KEY = b"the demo shop's key"
_MOST_ORDERS = 1000


@dataclass(frozen=True, slots=True)
class Visit:
    """A request, its body read."""

    request: web.BaseRequest
    body: bytes

    def json(self) -> Any:
        """Return the body's JSON value; `None` when it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


type Page = Callable[[Visit], web.Response]


class Shop:
    """The orders of one build."""

    def __init__(self) -> None:
        self._orders: dict[str, dict[str, Any]] = {}
        self._numbers = count(1)

    def page_for(self, method: str, path: str) -> Page | None:
        """Return the page of the shop that is asked for, if there is such a one."""
        if (method, path) == ("POST", "/login"):
            return self._log_in
        pages = {
            ("POST", "/orders"): self._take,
            ("GET", "/orders/"): self._show,
            ("DELETE", "/orders/"): self._cancel,
        }
        asked = (method, path if path == "/orders" else path[: len("/orders/")])
        return _for_users(pages[asked]) if asked in pages else None

    def _log_in(self, visit: Visit) -> web.Response:
        match visit.json():
            case {"user": str(user), "password": str(password)} if user and password == PASSWORD:
                token = token_for(user)
                response = web.json_response({"user": user, "token": token})
                response.set_cookie(SESSION, token, httponly=True)
                return response
        return web.json_response({"error": "unknown user or wrong password"}, status=401)

    def _take(self, visit: Visit) -> web.Response:
        match visit.json():
            case {"item": str(item), "quantity": int(quantity)} if item and quantity > 0:
                order = {"id": next(self._numbers), "item": item, "quantity": quantity, "state": "open"}
            case _:
                return web.json_response({"error": "expected {item, quantity}"}, status=400)
        self._orders[str(order["id"])] = order
        if len(self._orders) > _MOST_ORDERS:
            del self._orders[next(iter(self._orders))]
        return web.json_response(order, status=201)

    def _show(self, visit: Visit) -> web.Response:
        order = self._orders.get(_order_id(visit))
        return web.json_response(order) if order else _no_order()

    def _cancel(self, visit: Visit) -> web.Response:
        return web.Response(status=204) if self._orders.pop(_order_id(visit), None) else _no_order()


def token_for(user: str) -> str:
    name = urlsafe_b64encode(user.encode(errors="replace")).decode()
    return f"{name}.{hmac.digest(_KEY, name.encode(), 'sha256').hex()}"


def _user_of(request: web.BaseRequest) -> str | None:
    bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
    token = bearer or request.cookies.get(SESSION, "")
    name = token.partition(".")[0]
    try:
        user = urlsafe_b64decode(name.encode()).decode()
    except ValueError:
        return None
    return user if user and hmac.compare_digest(token.encode(), token_for(user).encode()) else None


def _for_users(page: Page) -> Page:
    def guarded(visit: Visit) -> web.Response:
        if _user_of(visit.request) is None:
            challenge = {"WWW-Authenticate": "Bearer"}
            return web.json_response({"error": "log in first"}, status=401, headers=challenge)
        return page(visit)

    return guarded


def _order_id(visit: Visit) -> str:
    return visit.request.path.removeprefix("/orders/")


def _no_order() -> web.Response:
    return web.json_response({"error": "no such order"}, status=404)
