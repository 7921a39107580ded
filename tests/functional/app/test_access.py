"""Who may ask: every function but the health checks wants the function key, before it looks at anything else."""

from dataclasses import replace
from http import HTTPStatus

import pytest

from tests.functional.app.bodies import ROUTES, UNREADABLE
from tests.functional.app.http_client import JSON_MEDIA, Api

pytestmark = pytest.mark.rig

GUARDED = [
    *((route.method, route.path) for route in ROUTES),
    ("GET", "/api/workloads"),
    ("GET", "/api/workloads/demo"),
    ("GET", "/api/workloads/nobody"),
    ("GET", "/api/rollbacks/demo.20240501T120000000000"),
]


@pytest.mark.parametrize("key", ["", "wrong", "x" * 5_000, "Rig-function-key"], ids=["none", "wrong", "long", "case"])
@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_without_the_key_nobody_is_answered(api: Api, method: str, path: str, key: str) -> None:
    stranger = replace(api, key=key)
    for body in (b"{}", UNREADABLE["deep lists"]):
        answer = stranger.send(method, path, body if method != "GET" else b"", JSON_MEDIA)
        assert answer.status == HTTPStatus.UNAUTHORIZED
        assert answer.body == b""


@pytest.mark.parametrize("path", ["/api/health", "/api/health/ready", "/api/health/live"])
def test_health_is_open_and_holds_no_secret(api: Api, path: str) -> None:
    answer = replace(api, key="").get(path)
    assert answer.status in (HTTPStatus.OK, HTTPStatus.SERVICE_UNAVAILABLE)
    assert api.key.encode() not in answer.body


def test_the_key_may_come_as_azure_monitor_sends_it(api: Api) -> None:
    assert replace(api, key="").get(f"/api/workloads?code={api.key}").status == HTTPStatus.OK
