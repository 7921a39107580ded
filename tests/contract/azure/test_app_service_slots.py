"""`AppServiceSlots` against the simulator: what it sees, and that whatever goes wrong, one call is one POST."""

from collections.abc import Callable
from datetime import timedelta
from time import monotonic, sleep

import pytest

from shared.adapters.app_service import AppServiceSlots
from shared.adapters.azure_clients import ArmAccess
from shared.errors import Busy, OutcomeUnknown, PermanentError, TransientError
from shared.model.policy import Site
from shared.ports import OperationState
from tests.contract.azure.conftest import ARM_AUDIENCE, GOOD_SLOT, Azure

_TOGETHER_S = 10.0


@pytest.fixture(scope="module")
def slots(running: Azure) -> AppServiceSlots:
    """One adapter for all tests, as a process has one: building the client takes a tenth of a second."""
    return running.new_slots()


@pytest.fixture
def site(azure: Azure) -> Site:
    return azure.policy.site


def followed(slots: AppServiceSlots, site: Site, token: str) -> tuple[OperationState, str]:
    """Follow an operation to its end."""
    until = monotonic() + _TOGETHER_S
    while monotonic() < until:
        state, words = slots.follow(site, GOOD_SLOT, token)
        if state is not OperationState.RUNNING:
            return state, words
        sleep(0.05)
    raise AssertionError("the operation never ended")


def test_a_look_tells_both_builds(slots: AppServiceSlots, site: Site) -> None:
    picture = slots.look(site, GOOD_SLOT)
    assert (picture.production_build, picture.slot_build, picture.operation_id) == ("b2", "b1", None)


def test_a_slot_that_does_not_exist_is_none(slots: AppServiceSlots, site: Site) -> None:
    assert slots.look(site, "nowhere").slot_build is None


def test_a_build_setting_that_is_not_set_is_empty(slots: AppServiceSlots, site: Site) -> None:
    build = site.build.model_copy(update={"setting": "NO_SUCH_SETTING"})
    picture = slots.look(site.model_copy(update={"build": build}), GOOD_SLOT)
    assert (picture.production_build, picture.slot_build) == ("", "")


def test_a_swap_is_seen_running_and_then_done(slots: AppServiceSlots, site: Site, azure: Azure) -> None:
    before = slots.look(site, GOOD_SLOT)
    token = slots.swap(site, GOOD_SLOT)
    during = slots.look(site, GOOD_SLOT)
    assert during.operation_id == azure.state()["in_progress_operation_id"]
    assert (during.production_build, during.last_swap) == ("b2", before.last_swap)
    assert slots.follow(site, GOOD_SLOT, token)[0] is OperationState.RUNNING
    assert followed(slots, site, token) == (OperationState.SUCCEEDED, "Succeeded")
    after = slots.look(site, GOOD_SLOT)
    assert (after.production_build, after.slot_build, after.operation_id) == ("b1", "b2", None)
    assert after.last_swap != before.last_swap
    assert after.last_swap.endswith("last-good production")


def test_another_worker_resumes_by_the_token_without_a_second_post(
    slots: AppServiceSlots, site: Site, azure: Azure
) -> None:
    before = azure.posts()
    token = slots.swap(site, GOOD_SLOT)
    assert followed(azure.new_slots(), site, token)[0] is OperationState.SUCCEEDED
    assert azure.posts() == before + 1
    assert azure.state()["production_build"] == "b1"


def test_following_never_waits(slots: AppServiceSlots, site: Site, azure: Azure) -> None:
    azure.control("PUT", "/timings", {"swap_s": 4.0, "operation_retry_after_s": 15})
    begun = monotonic()
    token = slots.swap(site, GOOD_SLOT)
    assert slots.follow(site, GOOD_SLOT, token)[0] is OperationState.RUNNING
    assert monotonic() - begun < 4.0
    assert followed(slots, site, token)[0] is OperationState.SUCCEEDED


def test_a_swap_that_the_platform_fails_is_told_with_its_words(
    slots: AppServiceSlots, site: Site, azure: Azure
) -> None:
    azure.control("PUT", "/builds/b1/faults", {"die": True})
    state, words = followed(slots, site, slots.swap(site, GOOD_SLOT))
    assert (state, words) == (OperationState.FAILED, "Failed")
    assert azure.state()["production_build"] == "b2"


def test_an_operation_that_nobody_remembers_is_a_permanent_error(
    slots: AppServiceSlots, site: Site, azure: Azure
) -> None:
    token = slots.swap(site, GOOD_SLOT)
    followed(slots, site, token)
    azure.fault("operation", "status", status=404)
    with pytest.raises(PermanentError, match="404"):
        slots.follow(site, GOOD_SLOT, token)


def test_following_that_fails_is_asked_again_later(slots: AppServiceSlots, site: Site, azure: Azure) -> None:
    token = slots.swap(site, GOOD_SLOT)
    for kind, status in (("status", 503), ("cut_before", 503), ("status", 429)):
        azure.fault("operation", kind, times=1, status=status)
        with pytest.raises(TransientError):
            slots.follow(site, GOOD_SLOT, token)
    assert followed(slots, site, token)[0] is OperationState.SUCCEEDED


_ERRORS = [
    ({"kind": "status", "status": 400}, PermanentError, False),
    ({"kind": "forbidden"}, PermanentError, False),
    ({"kind": "status", "status": 404}, PermanentError, False),
    ({"kind": "status", "status": 408}, OutcomeUnknown, False),
    ({"kind": "conflict_in_progress"}, Busy, False),
    ({"kind": "conflict_preview"}, TransientError, False),
    ({"kind": "status", "status": 429}, TransientError, False),
    ({"kind": "status", "status": 500}, OutcomeUnknown, False),
    ({"kind": "status", "status": 502}, OutcomeUnknown, False),
    ({"kind": "status", "status": 503}, OutcomeUnknown, False),
    ({"kind": "status", "status": 504}, OutcomeUnknown, False),
    ({"kind": "cut_before"}, OutcomeUnknown, False),
    ({"kind": "cut_after"}, OutcomeUnknown, True),
]


@pytest.mark.parametrize(("fault", "error", "accepted"), _ERRORS, ids=str)
def test_a_swap_that_goes_wrong_is_one_post_and_the_right_error(
    slots: AppServiceSlots, site: Site, azure: Azure, fault: dict[str, object], error: type[Exception], accepted: bool
) -> None:
    posts_before = azure.posts()
    azure.fault("swap", **fault)  # type: ignore[arg-type]  # the kind is a text; mypy sees one type for all values
    with pytest.raises(error) as caught:
        slots.swap(site, GOOD_SLOT)
    assert type(caught.value) is error
    assert azure.posts() == posts_before + 1
    assert azure.state()["swap_posts"][-1]["accepted"] is accepted
    azure.wait_for_quiet()
    assert azure.state()["production_build"] == ("b1" if accepted else "b2")


def test_a_swap_with_preview_that_somebody_left_is_reset_and_the_next_attempt_goes_through(
    slots: AppServiceSlots, site: Site, azure: Azure
) -> None:
    azure.fault("swap", "conflict_preview")
    with pytest.raises(TransientError, match="a swap with preview of site demo was in the way; it was reset"):
        slots.swap(site, GOOD_SLOT)
    assert followed(slots, site, slots.swap(site, GOOD_SLOT))[0] is OperationState.SUCCEEDED


def test_a_preview_that_may_not_be_reset_says_so(slots: AppServiceSlots, site: Site, azure: Azure) -> None:
    azure.fault("swap", "conflict_preview")
    azure.fault("swap_preview", "forbidden", times=1)
    with pytest.raises(PermanentError, match="resetting the swap with preview of site demo: 403"):
        slots.swap(site, GOOD_SLOT)


def test_the_pause_that_azure_asks_for_is_kept_within_reason(slots: AppServiceSlots, site: Site, azure: Azure) -> None:
    for asked, kept in ((17, 17), (3600, 300)):
        azure.fault("swap", "status", status=429, retry_after_s=asked, times=1)
        with pytest.raises(TransientError) as caught:
            slots.swap(site, GOOD_SLOT)
        assert caught.value.retry_after == timedelta(seconds=kept)


def test_no_connection_at_all_means_that_nothing_was_sent(site: Site, azure: Azure) -> None:
    nobody = AppServiceSlots(ArmAccess("http://127.0.0.1:9", ARM_AUDIENCE))
    calls: list[Callable[[Site, str], object]] = [nobody.look, nobody.swap]
    for call in calls:
        with pytest.raises(TransientError) as caught:
            call(site, GOOD_SLOT)
        assert type(caught.value) is TransientError
    assert azure.policy.site == site


def test_a_site_that_does_not_exist_is_a_permanent_error(slots: AppServiceSlots, site: Site) -> None:
    gone = site.model_copy(update={"resource": site.resource + "-gone"})
    for call in (slots.look, slots.swap):
        with pytest.raises(PermanentError, match="404"):
            call(gone, GOOD_SLOT)


def test_a_look_without_the_role_says_so_and_nothing_else(slots: AppServiceSlots, site: Site, azure: Azure) -> None:
    azure.fault("app_settings", "forbidden", times=1)
    with pytest.raises(PermanentError, match=r"^reading .*demo: 403 AuthorizationFailed$"):
        slots.look(site, GOOD_SLOT)


@pytest.mark.parametrize("api", ["site_read", "app_settings"])
@pytest.mark.parametrize("kind", ["cut_before", "status"])
def test_a_look_that_fails_is_taken_again_later(
    slots: AppServiceSlots, site: Site, azure: Azure, api: str, kind: str
) -> None:
    azure.fault(api, kind, times=1)
    with pytest.raises(TransientError):
        slots.look(site, GOOD_SLOT)
    assert slots.look(site, GOOD_SLOT).production_build == "b2"


def test_settings_that_come_back_empty_name_no_build_to_act_on(
    slots: AppServiceSlots, site: Site, azure: Azure
) -> None:
    azure.fault("app_settings", "empty")
    picture = slots.look(site, GOOD_SLOT)
    assert (picture.production_build, picture.slot_build) == ("", "")
