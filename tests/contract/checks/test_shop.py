"""The demo shop that the checks go through: it keeps its own rules, and every part of it can fail by itself."""

import httpx
import pytest

from local.demo_site.shop import PASSWORD, token_for
from tests.contract.checks.conftest import RunningShop

_HAT = {"item": "hat", "quantity": 1}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b'{"user": "a"}',
        b'{"user": "a", "password": "wrong"}',
        b'{"user": "", "password": "open-sesame"}',
    ],
)
def test_nobody_is_let_in_without_the_password(shop: RunningShop, body: bytes) -> None:
    assert httpx.post(f"{shop.url}/login", content=body).status_code == 401


@pytest.mark.parametrize("token", ["x", "x.y", token_for("ada")[:-1], token_for("ada") + "0", "b\xe9", "." * 99])
def test_orders_are_for_those_who_logged_in(shop: RunningShop, token: str) -> None:
    headers = {b"Authorization": f"Bearer {token}".encode("latin-1")}
    for method, path in (("POST", "/orders"), ("GET", "/orders/1"), ("DELETE", "/orders/1")):
        answer = httpx.request(method, shop.url + path, headers=headers, json=_HAT)
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


def test_a_token_of_another_build_is_good_here_as_well(shop: RunningShop) -> None:
    mine = httpx.post(f"{shop.url}/login", json={"user": "ada", "password": PASSWORD}).json()["token"]
    assert mine == token_for("ada")


def test_an_order_lives_until_it_is_cancelled(shop: RunningShop) -> None:
    with httpx.Client(base_url=shop.url, headers={"Authorization": f"Bearer {token_for('ada')}"}) as user:
        order = user.post("/orders", json=_HAT).json()
        path = f"/orders/{order['id']}"
        assert user.get(path).json() == order == {"id": order["id"], "state": "open", **_HAT}
        assert user.delete(path).status_code == 204
        assert (user.get(path).status_code, user.delete(path).status_code) == (404, 404)
        assert user.post("/orders", json={"item": "hat", "quantity": 0}).status_code == 400


def test_only_the_paths_that_are_named_fail(shop: RunningShop) -> None:
    shop.break_with(fail_share=1.0, status=502, only=["/orders"])
    seen = {
        path: httpx.get(shop.url + path).status_code for path in ("/", "/health", "/orders/1", "/orders", "/ordersx")
    }
    assert seen == {"/": 200, "/health": 200, "/orders/1": 502, "/orders": 502, "/ordersx": 200}


@pytest.mark.parametrize(
    ("database", "health", "status", "login"), [("degraded", 200, "degraded", 200), ("down", 503, "unhealthy", 503)]
)
def test_health_tells_how_the_database_is(
    shop: RunningShop, database: str, health: int, status: str, login: int
) -> None:
    shop.break_with(database=database)
    answer = httpx.get(f"{shop.url}/health")
    assert (answer.status_code, answer.json()["status"]) == (health, status)
    assert answer.json()["dependencies"] == {"database": {"status": database}}
    assert answer.headers["x-build-id"] == "b1"
    assert httpx.post(f"{shop.url}/login", json={"user": "a", "password": PASSWORD}).status_code == login
