"""Going forward only where there is a way back: commands to a change, promotions, readiness, drills."""

from http import HTTPStatus
from typing import Any

import httpx
import pytest

from local.processes import Child
from local.rig.rig import Rig
from tests.functional.app.http_client import Api
from tests.functional.app.problems import refusal
from tests.functional.app.tenant_app import TARGET, WORKLOAD, TenantApp
from tests.functional.app.waiting import wait_until

pytestmark = pytest.mark.rig

COMMANDS = f"/api/workloads/{WORKLOAD}/commands"


def test_a_change_is_told_what_to_do_and_says_what_it_was_told(tenant: TenantApp) -> None:
    otto, vera = tenant.of("otto"), tenant.of("vera")
    started = otto.send_json("POST", COMMANDS, {"command": "start", "build": "c2", "known_good": "c1"}).json
    change = started["change"]["id"]
    before = vera.get(f"/api/workloads/{WORKLOAD}/control").json
    assert (before["do"], before["change"]) == ("slow", change)  # nobody watches it
    paused = otto.send_json("POST", COMMANDS, {"command": "pause", "reason": "lunch", "id": "p1"})
    assert (paused.status, paused.json["change"]["status"]) == (HTTPStatus.OK, "paused")
    assert paused.json["sentence"] == "the deployment of build c2 paused by otto@rig.example: lunch"
    again = otto.send_json("POST", COMMANDS, {"command": "pause", "reason": "lunch", "id": "p1"})
    assert again.json["sentence"].startswith("command p1 was obeyed before")

    row = vera.get("/api/audit?limit=2").json["rows"][1]
    assert (row["act"], row["target"], row["outcome"]) == ("change.command", WORKLOAD, paused.json["sentence"])
    assert row["detail"] == {"command": "pause", "id": "p1", "reason": "lunch"}
    control = vera.get(f"/api/workloads/{WORKLOAD}/control").json
    assert (control["do"], control["change"]) == ("pause", change)
    another = otto.send_json("POST", COMMANDS, {"command": "resume", "change": "orders.change.20010101T000000000000"})
    assert refusal(another, HTTPStatus.CONFLICT)
    assert otto.send_json("POST", COMMANDS, {"command": "complete"}).json["change"]["status"] == "completed"


def test_a_promotion_that_the_policy_does_not_know_is_refused(tenant: TenantApp) -> None:
    wanted = {"build": "c3", "reason": "a new one"}
    answer = tenant.of("otto").send_json("POST", f"/api/workloads/{WORKLOAD}/promotions", wanted)
    assert refusal(answer, HTTPStatus.CONFLICT).startswith("not promoted: ")


def test_a_build_goes_forward_once_the_way_back_is_open(api: Api, rig: Rig, host: Child) -> None:
    body = {"slot": "last-good", "build": "b2", "setting": True}
    httpx.post(f"{rig.simulator.control_url}/sites/books/deploy", json=body, timeout=20).raise_for_status()
    assert api.send_json("PUT", "/api/workloads/books/known-good", {"build": "b1"}).status == HTTPStatus.OK
    wait_until(lambda: api.get("/api/workloads/books").json["production_build"] == "b1")

    wanted = {"build": "b2", "reason": "a new one", "requested_by": "ada"}
    refused = refusal(api.send_json("POST", "/api/workloads/books/promotions", wanted), HTTPStatus.CONFLICT)
    assert refused == "not promoted: level 1 is not ready to take it back: it was never checked"
    check_readiness(api, host)
    wait_until(lambda: api.get("/api/workloads/books/readiness").status == HTTPStatus.OK)

    accepted = api.send_json("POST", "/api/workloads/books/promotions", wanted)
    assert (accepted.status, accepted.json["status"]) == (HTTPStatus.ACCEPTED, "running"), accepted.body
    row = api.get("/api/audit?workload=books&limit=1").json["rows"][0]
    assert (row["act"], row["ok"]) == ("promotion.start", True)
    assert row["outcome"] == f"promotion {accepted.json['id']} is running"
    assert row["detail"] == {"build": "b2", "reason": "a new one", "requested_by": "ada"}

    def ended() -> dict[str, Any] | None:
        shown: dict[str, Any] = api.get(accepted.json["url"]).json
        return shown if shown["status"] != "running" else None

    run = wait_until(ended, within_s=90)
    assert (run["status"], run["promoted"]) == ("verified", "b2"), run["outcome"]
    assert api.get("/api/workloads/books").json["known_good"]["build"] == "b2"
    receipt = api.get(f"{accepted.json['url']}/receipt").json["receipt"]
    assert receipt["rollback"]["requested_by_id"] == "key"


def test_a_drill_runs_and_can_be_ended(tenant: TenantApp) -> None:
    otto = tenant.of("otto")
    otto.send_json("PUT", f"/api/workloads/{WORKLOAD}/known-good", {"build": "c1"})
    started = otto.send_json("POST", f"/api/workloads/{WORKLOAD}/drills", {"level": 1})
    assert (started.status, started.json["status"]) == (HTTPStatus.ACCEPTED, "running"), started.body
    shown = otto.get(started.json["url"]).json
    assert shown["cause"] == f"drill of level 1 of {WORKLOAD}"
    ended = otto.send_json("POST", f"{started.json['url']}/cancel", {"reason": "seen enough"})
    assert ended.status in (HTTPStatus.OK, HTTPStatus.CONFLICT)  # it may have ended by itself
    unknown = otto.send_json("POST", f"/api/workloads/{WORKLOAD}/drills", {"level": 4})
    assert refusal(unknown, HTTPStatus.NOT_FOUND)


def test_a_target_of_drills_is_taken_back_only_by_its_name(tenant: TenantApp) -> None:
    otto, drills = tenant.of("otto"), f"/api/workloads/{WORKLOAD}/drills"
    otto.send_json("PUT", f"/api/workloads/{TARGET}/known-good", {"build": "c1"})
    for typed in ({}, {"confirm": WORKLOAD}):
        refused = otto.send_json("POST", drills, {"level": 2, **typed})
        assert f"confirm: expected {TARGET}, the name of the workload" in refusal(refused, HTTPStatus.BAD_REQUEST)
    started = otto.send_json("POST", drills, {"level": 2, "confirm": TARGET})
    assert started.status == HTTPStatus.ACCEPTED, started.body
    shown = otto.get(started.json["url"]).json
    assert (shown["workload"], shown["kind"], shown["rehearses"]) == (TARGET, "rollback", WORKLOAD)
    assert shown["requested_by"] == "otto@rig.example"
    otto.send_json("POST", f"{started.json['url']}/cancel", {"reason": "seen enough"})


def test_a_change_is_started_by_whoever_called(tenant: TenantApp, api: Api) -> None:
    wanted = {"build": "c7", "known_good": "c1"}
    signed_in = tenant.of("otto").send_json("POST", f"/api/workloads/{TARGET}/changes", wanted)
    assert (signed_in.status, signed_in.json["by"]) == (HTTPStatus.CREATED, "otto@rig.example")
    with_key = api.send_json("POST", "/api/workloads/orders/changes", {"build": "c8", "known_good": "c1"})
    assert (with_key.status, with_key.json["by"]) == (HTTPStatus.CREATED, "a key holder")


def test_an_unknown_strategy_is_refused(tenant: TenantApp) -> None:
    wanted = {"reason": "x", "confirm": WORKLOAD, "strategy": "pray"}
    answer = tenant.of("otto").send_json("POST", f"/api/workloads/{WORKLOAD}/rollbacks", wanted)
    assert "the strategy 'pray', which nobody knows" in refusal(answer, HTTPStatus.CONFLICT)


def check_readiness(api: Api, host: Child) -> None:
    """Let the timer's function run now."""
    key = {"x-functions-key": str(host.ready["master_key"])}
    assert api.send("POST", "/admin/functions/check_readiness", b"{}", key).status == HTTPStatus.ACCEPTED


def test_readiness_is_checked_by_its_timer_and_tells_why_not(api: Api, host: Child) -> None:
    check_readiness(api, host)

    def checked() -> dict[str, Any] | None:
        answer = api.get("/api/workloads/orders/readiness")
        assert answer.status == HTTPStatus.SERVICE_UNAVAILABLE  # its site does not exist
        found: dict[str, Any] = answer.json
        return found if found["checked_at"] else None

    report = wait_until(checked)
    assert (report["workload"], report["ok"]) == ("orders", False)
    assert report["reasons"]
    assert any(finding["ok"] is not True for finding in report["findings"])
