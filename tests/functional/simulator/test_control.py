"""The control endpoint: what it counts, and that bad input is answered with a sentence and changes nothing."""

import time
from typing import Any

import httpx
import pytest
from azure.mgmt.web.models import RampUpRule

from tests.functional.simulator.conftest import Azure

BAD_INPUT: list[tuple[str, str, Any, str]] = [
    ("POST", "/faults", {"api": "swap", "kind": "nan"}, "swap cannot be 'nan'"),
    ("POST", "/faults", {"api": "nosuch", "kind": "status"}, "api:"),
    ("POST", "/faults", {"api": "swap", "kind": "status", "user_agent": "x"}, "works on front_door only"),
    ("POST", "/faults", {"api": "swap", "kind": "status", "times": 0}, "times:"),
    ("POST", "/faults", [], "the body"),
    ("DELETE", "/faults/f999", None, "no fault 'f999'"),
    ("PUT", "/timings", {"swap_s": -1}, "swap_s:"),
    ("PUT", "/timings", {"swaps": 1}, "swaps: Extra inputs"),
    ("PUT", "/builds/b2/faults", {"fail_share": 31}, "fail_share:"),
    ("POST", "/sites/nosuch/deploy", {"build": "b9"}, "no site 'nosuch'; there is demo"),
    ("POST", "/sites/demo/deploy", {"build": "b9", "slot": "x"}, "no slot 'x'; it has production, last-good"),
    ("POST", "/sites/demo/deploy", {}, "build: Field required"),
    ("GET", "/requests?since=yesterday", None, "'yesterday' is neither"),
    ("GET", "/requests?since=2026-01-01T00:00:00", None, "needs a time zone"),
    ("PUT", "/permissions", {"denied": [""]}, "denied.0"),
]


@pytest.mark.parametrize(("method", "path", "body", "sentence"), BAD_INPUT)
def test_bad_input_is_400_with_a_sentence(azure: Azure, method: str, path: str, body: Any, sentence: str) -> None:
    before = azure.control("GET", "/state")
    answer = httpx.request(method, azure.simulator.control_url + path, json=body)
    assert answer.status_code == 400
    assert sentence in answer.json()["error"]
    assert azure.control("GET", "/state") == before


def test_timings_change_by_name_and_leave_the_others(azure: Azure) -> None:
    before = azure.control("GET", "/state")["timings"]
    assert azure.control("PUT", "/timings", {"swap_s": 4.5}) == before | {"swap_s": 4.5}


def test_requests_are_counted_by_build_status_and_agent(azure: Azure) -> None:
    azure.route(RampUpRule(name="last-good", reroute_percentage=0.0))
    since = time.time()
    before = azure.control("GET", f"/requests?until={since}")["total"]
    with azure.site() as visitor:
        visitor.get("/")
        visitor.get("/?x-ms-routing-name=last-good", headers={"User-Agent": "prober/3 (x)"})
        visitor.get("/", headers={"User-Agent": "prober/3 (x)"})
    counts = azure.control("GET", f"/requests?since={since}")
    assert counts["total"] == 3
    assert counts["by_build"] == {"b2": 1, "b1": 2}
    assert counts["by_status"] == {"200": 3}
    assert counts["by_user_agent"] == {"visitor": 1, "prober": 2}
    assert {"build": "b1", "pinned": True, "count": 2, "slot": "last-good"}.items() <= counts["groups"][0].items()
    assert azure.control("GET", "/requests")["total"] == before + counts["total"]


def test_faults_are_listed_with_hits_and_deleted(azure: Azure) -> None:
    fault = azure.set_fault("front_door", "delay", delay_s=0.0)
    with azure.site() as visitor:
        visitor.get("/")
        visitor.get("/")
    [listed] = azure.control("GET", "/faults")["faults"]
    assert (listed["id"], listed["hits"]) == (fault, 2)
    azure.control("DELETE", f"/faults/{fault}")
    assert azure.control("GET", "/faults")["faults"] == []


def test_a_build_deployed_later_has_the_faults_of_its_id(azure: Azure) -> None:
    azure.control("PUT", "/builds/b7/faults", {"fail_share": 1.0, "status": 500})
    azure.control("POST", "/sites/demo/deploy", {"slot": "production", "build": "b7"})
    with azure.site() as visitor:
        assert visitor.get("/").status_code == 500
        azure.control("DELETE", "/builds/b7/faults")
        assert visitor.get("/").status_code == 200


def test_a_deployment_may_leave_the_setting_behind(azure: Azure) -> None:
    azure.control("POST", "/sites/demo/deploy", {"slot": "last-good", "build": "b8", "setting": False})
    kept = azure.state()["slots"]["last-good"]
    assert (kept["build"], kept["settings"]["BUILD_ID"]) == ("b8", "b1")
