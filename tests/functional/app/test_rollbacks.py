"""A rollback by hand, from the refusals that come first to the end that is seen from outside."""

from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any

import httpx
import pytest

from local.rig.rig import Rig
from tests.functional.app.http_client import Answer, Api
from tests.functional.app.problems import refusal
from tests.functional.app.waiting import wait_until

pytestmark = pytest.mark.rig


def ask(api: Api, workload: str = "shop") -> Answer:
    """Ask for a rollback by hand."""
    wanted = {"reason": "the basket\nis\x1b[31m empty", "requested_by": "ada", "confirm": workload}
    return api.send_json("POST", f"/api/workloads/{workload}/rollbacks", wanted)


def deploy(rig: Rig, build: str, slot: str = "production") -> None:
    """Let the pipeline put a build into a slot of the shop."""
    body = {"slot": slot, "build": build, "setting": True}
    httpx.post(f"{rig.simulator.control_url}/sites/shop/deploy", json=body, timeout=20).raise_for_status()


def served(rig: Rig) -> str:
    """The build that a fresh client is served."""
    url = rig.simulator.front_doors["shop"]
    return httpx.get(url, timeout=10).headers["x-build-id"]


def sees(api: Api, build: str) -> bool:
    shown: dict[str, Any] = api.get("/api/workloads/shop").json
    return bool(shown["production_build"] == build)


def test_of_a_workload_that_is_not_there(api: Api) -> None:
    assert refusal(ask(api, "nobody"), HTTPStatus.NOT_FOUND) == "there is no workload 'nobody' here"


def test_by_hand_from_refusal_to_verified(api: Api, rig: Rig) -> None:
    reason = refusal(ask(api), HTTPStatus.CONFLICT)
    assert reason == "not rolled back: no known-good build is recorded for this workload"

    change = {"build": "b2", "known_good": "b1"}
    assert api.send_json("POST", "/api/workloads/shop/changes", change).status == HTTPStatus.CREATED
    deploy(rig, "b2")
    wait_until(lambda: sees(api, "b2"))
    started = ask(api)
    assert started.status == HTTPStatus.ACCEPTED
    run = started.json
    reason = refusal(ask(api), HTTPStatus.CONFLICT)
    assert reason == f"not rolled back: rollback {run['id']} is still running"

    ended = wait_until(lambda: _ended(api, run["url"]))
    assert ended["status"] == "verified", ended
    assert served(rig) == "b1"
    assert [step["phase"] for step in ended["steps"]] == ["done"] * 3
    assert [step["acts"] for step in ended["steps"]] == [0, 1, 0]
    shown = api.get("/api/workloads/shop").json
    assert shown["change"]["status"] == "rolled_back"
    assert shown["active_rollback"] is None


def _ended(api: Api, url: str) -> dict[str, Any] | None:
    shown: dict[str, Any] = api.get(url).json
    return shown if shown["status"] != "running" else None


def test_two_at_once_start_one(api: Api) -> None:
    """On a site that does not exist: the run fails, and says so."""
    wait_until(lambda: api.get("/api/workloads/orders").json["active_rollback"] is None)
    api.send_json("PUT", "/api/workloads/orders/known-good", {"build": "b0"})
    with ThreadPoolExecutor(2) as askers:
        answers = sorted(askers.map(lambda _: ask(api, "orders"), range(2)), key=lambda answer: answer.status)
    assert [answer.status for answer in answers] == [HTTPStatus.ACCEPTED, HTTPStatus.CONFLICT]
    ended = wait_until(lambda: _ended(api, answers[0].json["url"]))
    assert ended["status"] == "failed"
    assert "404" in ended["outcome"]
