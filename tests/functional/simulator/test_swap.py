"""Slot swaps through azure-mgmt-web: what moves, what stays, what the operation tells, and what goes wrong."""

import time
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError
from azure.mgmt.web.models import CsmSlotEntity, StringDictionary
from azure.mgmt.web.operations import WebAppsOperations

from tests.functional.simulator.conftest import GROUP, TO_PRODUCTION, Azure, http_response


def begin_swap(apps: WebAppsOperations, **options: Any) -> Any:
    return apps.begin_swap_slot(GROUP, "demo", "last-good", TO_PRODUCTION, **options)


def text_of(failure: pytest.ExceptionInfo[HttpResponseError]) -> str:
    text: str = http_response(failure).json()["Message"]
    return text


def test_a_swap_moves_content_and_settings_and_leaves_sticky_ones(azure: Azure) -> None:
    begin_swap(azure.apps).result()
    state = azure.state()
    assert state["production_build"] == "b1"
    assert state["slots"]["production"]["settings"] == {"BUILD_ID": "b1", "SLOT_NAME": "prod"}
    assert state["slots"]["last-good"]["settings"] == {"BUILD_ID": "b2", "SLOT_NAME": "kept"}
    with azure.site() as visitor:
        assert visitor.get("/").headers["x-build-id"] == "b1"


def test_a_second_swap_puts_the_bad_build_back(azure: Azure) -> None:
    for expected in ("b1", "b2"):
        begin_swap(azure.apps).result()
        assert azure.state()["production_build"] == expected


def test_the_journal_knows_a_site_in_any_spelling(azure: Azure) -> None:
    posts_before = len(azure.state()["swap_posts"])
    azure.apps.begin_swap_slot(GROUP, "Demo", "Last-Good", TO_PRODUCTION).result()
    (post,) = azure.state()["swap_posts"][posts_before:]
    assert (post["slot"], post["accepted"]) == ("last-good", True)


def test_swapping_from_production_warms_and_moves_the_same(azure: Azure) -> None:
    to_slot = CsmSlotEntity(target_slot="last-good", preserve_vnet=True)
    azure.apps.begin_swap_slot_with_production(GROUP, "demo", to_slot).result()
    assert azure.state()["production_build"] == "b1"


def test_the_site_tells_the_operation_while_it_runs_and_the_swap_when_it_is_over(azure: Azure) -> None:
    azure.control("PUT", "/timings", {"swap_s": 0.6})
    apps = azure.apps
    before = apps.get(GROUP, "demo").slot_swap_status
    poller = begin_swap(apps)
    during = apps.get(GROUP, "demo")
    assert during.in_progress_operation_id == azure.state()["operations"][-1]["name"]
    assert during.slot_swap_status == before
    assert azure.state()["production_build"] == "b2"
    poller.result()
    after = apps.get(GROUP, "demo")
    assert after.in_progress_operation_id is None
    assert after.slot_swap_status is not None
    assert after.slot_swap_status.source_slot_name == "last-good"
    assert after.slot_swap_status.destination_slot_name == "production"
    assert after.slot_swap_status.timestamp_utc is not None
    assert abs(after.slot_swap_status.timestamp_utc.timestamp() - time.time()) < 5


def test_a_new_client_resumes_the_operation_without_a_second_post(azure: Azure) -> None:
    posts_before = len(azure.state()["swap_posts"])
    token = begin_swap(azure.apps).continuation_token()
    begin_swap(azure.new_apps(), continuation_token=token).result()
    assert azure.state()["production_build"] == "b1"
    assert len(azure.state()["swap_posts"]) == posts_before + 1


def test_while_a_swap_runs_the_site_cannot_be_changed(azure: Azure) -> None:
    azure.control("PUT", "/timings", {"swap_s": 0.6})
    apps = azure.apps
    poller = begin_swap(apps)
    with pytest.raises(ResourceExistsError) as refused:
        begin_swap(apps)
    assert "Cannot modify this site because another operation is in progress. Details: Id: " in text_of(refused)
    assert "OperationName: SwapSiteSlots" in text_of(refused)
    with pytest.raises(ResourceExistsError):
        apps.update_application_settings(GROUP, "demo", StringDictionary(properties={"A": "1"}))
    poller.result()
    posts = azure.state()["swap_posts"][-2:]
    assert [(post["status"], post["accepted"]) for post in posts] == [(202, True), (409, False)]
    assert azure.state()["production_build"] == "b1"


def test_a_source_that_does_not_answer_fails_the_swap_and_moves_nothing(azure: Azure) -> None:
    azure.control("PUT", "/builds/b1/faults", {"die": True})
    with pytest.raises(HttpResponseError, match="did not respond to http ping"):
        begin_swap(azure.apps).result()
    assert azure.state()["production_build"] == "b2"
    assert azure.state()["in_progress_operation_id"] is None


def test_any_answer_counts_as_warm(azure: Azure) -> None:
    azure.control("PUT", "/builds/b1/faults", {"fail_share": 1.0})
    begin_swap(azure.apps).result()
    assert azure.state()["production_build"] == "b1"


def test_a_stopped_source_fails_the_swap(azure: Azure) -> None:
    apps = azure.apps
    apps.stop_slot(GROUP, "demo", "last-good")
    assert apps.get_slot(GROUP, "demo", "last-good").state == "Stopped"
    with pytest.raises(HttpResponseError, match="did not respond to http ping"):
        begin_swap(apps).result()
    apps.start_slot(GROUP, "demo", "last-good")
    assert apps.get_slot(GROUP, "demo", "last-good").state == "Running"


def test_a_stuck_swap_ends_when_its_fault_is_lifted(azure: Azure) -> None:
    fault = azure.set_fault("swap", "stuck")
    poller = begin_swap(azure.apps)
    poller.wait(timeout=0.4)
    assert not poller.done()
    assert azure.apps.get(GROUP, "demo").in_progress_operation_id
    azure.control("DELETE", f"/faults/{fault}")
    poller.result()
    assert azure.state()["production_build"] == "b1"


def test_a_preview_holds_settings_until_the_swap_completes_it(azure: Azure) -> None:
    apps = azure.apps
    apps.apply_slot_configuration_slot(GROUP, "demo", "last-good", TO_PRODUCTION)
    assert azure.state()["slots"]["last-good"]["settings"]["SLOT_NAME"] == "prod"
    with pytest.raises(ResourceExistsError) as refused:
        apps.update_application_settings_slot(GROUP, "demo", "last-good", StringDictionary(properties={}))
    assert "configuration settings have been prepared for swap" in text_of(refused)
    with pytest.raises(ResourceExistsError) as again:
        apps.apply_slot_configuration_slot(GROUP, "demo", "last-good", TO_PRODUCTION)
    assert "has already been prepared for swap with slot 'last-good'" in text_of(again)
    begin_swap(apps).result()
    assert azure.state()["preview"] is None
    assert azure.state()["slots"]["last-good"]["settings"] == {"BUILD_ID": "b2", "SLOT_NAME": "kept"}


def test_a_reset_takes_a_preview_back(azure: Azure) -> None:
    apps = azure.apps
    apps.apply_slot_configuration_slot(GROUP, "demo", "last-good", TO_PRODUCTION)
    apps.reset_slot_configuration_slot(GROUP, "demo", "last-good")
    assert azure.state()["slots"]["last-good"]["settings"]["SLOT_NAME"] == "kept"
    assert azure.state()["preview"] is None


def test_a_stuck_preview_refuses_swaps_until_it_is_reset(azure: Azure) -> None:
    azure.set_fault("swap", "conflict_preview")
    with pytest.raises(ResourceExistsError) as refused:
        begin_swap(azure.apps)
    assert "have been prepared for swap" in text_of(refused)
    azure.apps.reset_slot_configuration_slot(GROUP, "demo", "last-good")
    begin_swap(azure.apps).result()
    assert azure.state()["production_build"] == "b1"


def test_after_a_swap_a_share_of_requests_may_meet_503(azure: Azure) -> None:
    azure.control("PUT", "/timings", {"post_swap_503_s": 0.6, "post_swap_503_share": 1.0})
    begin_swap(azure.apps).result()
    with azure.site() as visitor:
        assert visitor.get("/").status_code == 503
        time.sleep(0.7)
        assert visitor.get("/").status_code == 200
