"""What HTTP callers see: routes, methods, keys, bodies, failures."""

import json
from collections.abc import Iterator

import httpx
import pytest

from tests.functional.host.conftest import SampleHost

MIB = 1024 * 1024


@pytest.fixture
def http(sample_host: SampleHost) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=sample_host.process.ready["url"], timeout=30) as client:
        yield client


def test_a_request_reaches_the_function_whole(http: httpx.Client) -> None:
    answer = http.post(
        "/api/echo/Bob%20B/-7",
        params=[("a", "1"), ("a", "2"), ("empty", "")],
        content="body ✓",
        headers={"X-Custom": "v"},
    )
    seen = answer.json()
    assert answer.headers["x-sample"] == "yes"
    assert answer.headers["content-type"] == "application/json"
    assert seen["params"] == {"name": "Bob B", "number": "-7"}
    assert seen["query"] == {"a": "1,2"}
    assert (seen["method"], seen["body"], seen["custom"]) == ("POST", "body ✓", "v")
    assert seen["url"].startswith(f"{http.base_url}/api/echo/Bob%20B/-7?a=1&a=2")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/echo/bob", 200),
        ("GET", "/API/Echo/bob", 200),
        ("GET", "/api/echo/bob/", 200),
        ("GET", "/api/echo/literal", 202),  # the literal route wins over {name}
        ("GET", "/api/echo/bob/x", 404),  # not an int
        ("DELETE", "/api/echo/bob", 404),  # no route takes this method
        ("GET", "/api/echo", 404),
        ("GET", "/echo/bob", 404),  # without the prefix
        ("GET", "/api/nothing", 404),
        ("GET", "/api/off", 404),  # disabled
        ("GET", "/", 200),
    ],
)
def test_routes(http: httpx.Client, method: str, path: str, status: int) -> None:
    assert http.request(method, path).status_code == status


@pytest.mark.parametrize(
    ("path", "key", "status"),
    [
        ("/api/files/a", None, 401),
        ("/api/files/a", "wrong", 401),
        ("/api/files/a", "the-function-key", 200),
        ("/api/files/a", "the-master-key", 200),
        ("/api/secret", "the-function-key", 401),
        ("/api/secret", "the-master-key", 200),
        ("/admin/host/status", "the-function-key", 401),
        ("/admin/host/status", "the-master-key", 200),
        ("/admin/host/ping", None, 200),
        ("/admin/unknown", "the-master-key", 404),
    ],
)
def test_keys_open_what_they_should(http: httpx.Client, path: str, key: str | None, status: int) -> None:
    by_header = http.get(path, headers={"x-functions-key": key} if key else {})
    by_query = http.get(path, params={"code": key} if key else {})
    assert (by_header.status_code, by_query.status_code) == (status, status)


def test_a_catch_all_takes_the_rest_of_the_path(http: httpx.Client) -> None:
    key = {"x-functions-key": "the-function-key"}
    assert http.get("/api/files/a/b%2Fc/d", headers=key).text == "a/b%2Fc/d"
    assert http.get("/api/files", headers=key).text == ""


def test_every_cookie_is_set(http: httpx.Client) -> None:
    cookies = http.get("/api/echo/literal").headers.get_list("set-cookie")
    assert cookies == ["a=1; HttpOnly; Path=/", "b=2; Max-Age=60; SameSite=Lax"]


def test_a_function_that_raises_answers_an_empty_500(http: httpx.Client, sample_host: SampleHost) -> None:
    answer = http.get("/api/fails")
    assert (answer.status_code, answer.content) == (500, b"")
    log = sample_host.process.log.read_text()
    assert "function=fails trigger=http failed" in log
    assert "ValueError: a detail no caller may see" in log


@pytest.mark.parametrize(("size", "status"), [(20 * MIB, 200), (100 * MIB + 1, 413)])
def test_bodies_up_to_100_mb_are_passed_on(http: httpx.Client, size: int, status: int) -> None:
    answer = http.post("/api/size", content=bytes(size))
    assert answer.status_code == status
    assert status != 200 or answer.text == str(size)


def test_a_failing_output_fails_the_call(http: httpx.Client) -> None:
    too_long_for_a_queue = json.dumps({"messages": ["x" * 70_000]})
    assert http.post("/api/send", content=too_long_for_a_queue).status_code == 500


def test_an_http_function_is_not_run_through_the_admin_route(http: httpx.Client) -> None:
    master = {"x-functions-key": "the-master-key"}
    assert http.post("/admin/functions/echo", json={}, headers=master).status_code == 400
    assert http.post("/admin/functions/unknown", json={}, headers=master).status_code == 404
    assert http.post("/admin/functions/nightly", content="{", headers=master).status_code == 400
    assert http.post("/admin/functions/nightly", json={}).status_code == 401
