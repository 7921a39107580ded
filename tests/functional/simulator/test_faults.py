"""The platform's own faults, as a client meets them."""

import time

import httpx
import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ServiceResponseError

from tests.functional.simulator.conftest import GROUP, Azure, http_response


def test_a_lost_reply_is_a_swap_that_was_accepted_once(azure: Azure) -> None:
    azure.set_fault("swap", "cut_after", times=1)
    accepted_before = azure.control("GET", "/state")["swaps_accepted_total"]
    with pytest.raises(ServiceResponseError):
        azure.swap()
    while azure.state()["in_progress_operation_id"]:
        time.sleep(0.05)
    assert azure.state()["production_build"] == "b1"
    post = azure.state()["swap_posts"][-1]
    assert (post["status"], post["accepted"]) == (None, True)
    assert azure.control("GET", "/state")["swaps_accepted_total"] == accepted_before + 1


def test_a_cut_before_the_call_changes_nothing(azure: Azure) -> None:
    azure.set_fault("swap", "cut_before", times=1)
    with pytest.raises(ServiceResponseError):
        azure.swap()
    assert azure.state()["in_progress_operation_id"] is None
    post = azure.state()["swap_posts"][-1]
    assert (post["status"], post["accepted"]) == (None, False)


def test_a_pretended_operation_answers_the_real_conflict(azure: Azure) -> None:
    azure.set_fault("swap", "conflict_in_progress", times=1)
    with pytest.raises(ResourceExistsError) as refused:
        azure.swap()
    assert "another operation is in progress" in http_response(refused).json()["Message"]
    azure.swap()
    assert azure.state()["production_build"] == "b1"


def test_status_with_retry_after_hits_as_often_as_told(azure: Azure) -> None:
    fault = azure.set_fault("site_read", "status", status=429, retry_after_s=7, times=1)
    apps = azure.apps
    with pytest.raises(HttpResponseError) as refused:
        apps.get(GROUP, "demo")
    assert refused.value.status_code == 429
    assert http_response(refused).headers["Retry-After"] == "7"
    apps.get(GROUP, "demo")
    listed = {each["id"]: each for each in azure.control("GET", "/faults")["faults"]}[fault]
    assert (listed["hits"], listed["spent"]) == (1, True)


def test_the_sdk_retries_over_a_passing_fault(azure: Azure) -> None:
    azure.set_fault("site_read", "status", status=503, retry_after_s=0, times=2)
    assert azure.new_apps(retry_total=3).get(GROUP, "demo").state == "Running"


def test_forbidden_names_the_action(azure: Azure) -> None:
    azure.set_fault("operation", "forbidden")
    with pytest.raises(HttpResponseError) as refused:
        azure.swap()
    assert refused.value.status_code == 403
    assert "Microsoft.Web/locations/operations/read" in str(refused.value)


def test_a_stale_site_is_told_as_it_was(azure: Azure) -> None:
    apps = azure.apps
    before = apps.get(GROUP, "demo").slot_swap_status
    azure.set_fault("site_read", "stale")
    azure.swap()
    assert apps.get(GROUP, "demo").slot_swap_status == before
    azure.control("DELETE", "/faults")
    assert apps.get(GROUP, "demo").slot_swap_status != before


def test_empty_settings(azure: Azure) -> None:
    azure.set_fault("app_settings", "empty")
    assert azure.apps.list_application_settings(GROUP, "demo").properties == {}


def test_a_delay_is_served_late(azure: Azure) -> None:
    azure.set_fault("site_read", "delay", delay_s=0.5, times=1)
    started_s = time.monotonic()
    assert azure.apps.get(GROUP, "demo").state == "Running"
    assert time.monotonic() - started_s >= 0.5


def test_a_blind_prober_while_users_are_served(azure: Azure) -> None:
    azure.set_fault("front_door", "status", status=503, user_agent="prober")
    with azure.site() as visitor:
        assert visitor.get("/health").status_code == 200
        assert visitor.get("/health", headers={"User-Agent": "prober/2"}).status_code == 503


def test_a_cut_at_the_front_door_breaks_the_connection(azure: Azure) -> None:
    azure.set_fault("front_door", "cut_before", user_agent="prober", times=1)
    with azure.site() as visitor:
        with pytest.raises(httpx.TransportError):
            visitor.get("/", headers={"User-Agent": "prober/2"})
        assert visitor.get("/", headers={"User-Agent": "prober/2"}).status_code == 200


def test_any_hits_every_api_but_not_the_users(azure: Azure) -> None:
    azure.set_fault("any", "status", status=503)
    with pytest.raises(HttpResponseError):
        azure.apps.get(GROUP, "demo")
    with azure.site() as visitor:
        assert visitor.get("/").status_code == 200
