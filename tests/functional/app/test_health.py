"""Health of the app: alive as long as it runs; fit only while it watches and its storage answers."""

import time
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any

import pytest

from tests.functional.app.http_client import Answer, Api
from tests.functional.app.lonely import Lonely
from tests.functional.app.problems import told
from tests.functional.app.waiting import wait_until

pytestmark = pytest.mark.rig

_AT_ONCE_S = 2.0


def checks(answer: Answer) -> dict[str, dict[str, Any]]:
    """The checks of a health answer by name."""
    return {check["name"]: check for check in answer.json["checks"]}


def alive_at_once(api: Api) -> bool:
    """It answers 200, and quickly."""
    begun = time.monotonic()
    answer = api.get("/api/health/live")
    return answer.status == HTTPStatus.OK and time.monotonic() - begun < _AT_ONCE_S


def test_a_watching_app_is_fit(api: Api) -> None:
    wait_until(lambda: api.get("/api/health/ready").status == HTTPStatus.OK)
    fit = api.get("/api/health/ready")
    assert fit.json["status"] == "fit"
    assert all(check["ok"] for check in checks(fit).values())
    assert set(checks(fit)) == {"policies", "storage", "watch", "sources", "fleet", "deliveries"}
    assert api.get("/api/health").status == HTTPStatus.OK


def test_not_fit_before_the_first_cycle_fit_after_it_not_fit_without_storage(lonely: Lonely) -> None:
    assert alive_at_once(lonely.api)
    before = lonely.api.get("/api/health/ready")
    assert before.status == HTTPStatus.SERVICE_UNAVAILABLE
    assert "demo: never watched yet" in checks(before)["watch"]["says"]

    lonely.watch_now()
    wait_until(lambda: lonely.api.get("/api/health/ready").status == HTTPStatus.OK)

    lonely.storage.close()
    gone = lonely.api.get("/api/health/ready")
    assert gone.status == HTTPStatus.SERVICE_UNAVAILABLE
    assert not checks(gone)["storage"]["ok"]
    refused = lonely.api.get("/api/workloads/demo")
    assert refused.status == HTTPStatus.SERVICE_UNAVAILABLE
    assert told(refused)
    assert int(refused.headers["Retry-After"]) >= 1


def test_alive_while_many_wait_for_a_storage_that_is_away(lonely: Lonely) -> None:
    """A host that seems dead is replaced; that helps nobody when it is the storage that is away."""
    lonely.api.get("/api/health/ready")  # from now on the app has its connections
    lonely.storage.close()
    with ThreadPoolExecutor(12) as askers:
        asked = [askers.submit(lonely.api.get, "/api/health/ready") for _ in range(12)]
        time.sleep(0.3)
        alive = [alive_at_once(lonely.api) for _ in range(3)]
        answers = {future.result().status for future in asked}
    assert answers == {HTTPStatus.SERVICE_UNAVAILABLE}
    assert all(alive)
