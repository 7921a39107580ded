"""The swap step by itself: one picture of the site at a time, and what the step says to it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest

from shared.engine.steps.step import Act, Done, Look, Stop, Wait
from shared.engine.steps.traffic import SwapSlots
from shared.errors import LostRace, OutcomeUnknown, PermanentError, TransientError
from shared.model.policy import Site
from shared.model.run import StepPhase, StepRecord
from shared.ports import OperationState, SitePicture
from tests.fakes.clock import NOON
from tests.fakes.policies import policy
from tests.fakes.runs import new_run

_POLICY = policy()
_RUN = new_run(_POLICY)
_BAD = SitePicture(production_build="b2", slot_build="b1", operation_id=None, last_swap="monday")
_BUSY = replace(_BAD, operation_id="operation-1")
_GOOD = replace(_BAD, production_build="b1", slot_build="b2", last_swap="today")
_PENDING = StepRecord(name="take:site:slot_swap", component="site", road="slot_swap", started_at=NOON)
_INTENDED = replace(_PENDING, phase=StepPhase.INTENDED, intended_at=NOON, before={"last_swap": "monday"}, acts=1)
_ACTED = replace(_PENDING, phase=StepPhase.ACTED, acted_at=NOON, operation="operation-1", acts=1)
# A request is sent within 17 s of its intent, travels 17 s, shows within 8 s, by clocks that differ by 4 s; what it did
# is read 12 s later, by the same clocks.
_SHOWN_S, _TOLD_S = 17 + 17 + 8 + 4, 12 + 4


@dataclass(slots=True)
class PlayedSite:
    """Fulfils `ports.SlotSite` with the picture that a test chose."""

    picture: SitePicture
    operation: tuple[OperationState, str] | Exception = (OperationState.RUNNING, "InProgress")
    posts: int = 0

    def look(self, site: Site, slot: str) -> SitePicture:
        return self.picture

    def swap(self, site: Site, slot: str) -> str:
        self.posts += 1
        return "token"

    def follow(self, site: Site, slot: str, token: str) -> tuple[OperationState, str]:
        if isinstance(self.operation, Exception):
            raise self.operation
        return self.operation


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def look(picture: SitePicture, record: StepRecord, seconds: float = 1, **more: object) -> Look:
    return SwapSlots(PlayedSite(picture, **more)).observe(_POLICY, _RUN, record, after(seconds))  # type: ignore[arg-type]


def acts_after(record: StepRecord, pictures: Iterable[SitePicture]) -> int | None:
    """Look every second, keeping the evidence as the engine does; returns the second in which the step acts."""
    for second, picture in enumerate(pictures):
        found = look(picture, record, second)
        if isinstance(found, Act):
            return second
        assert isinstance(found, Wait), found
        record = replace(record, evidence={**record.evidence, **found.evidence})
    return None


def test_what_is_in_doubt_is_not_repeated_before_the_first_attempt_must_have_shown_and_been_told() -> None:
    assert acts_after(_INTENDED, [_BAD] * 100) == _SHOWN_S + _TOLD_S


def test_an_operation_that_was_seen_starts_the_wait_again() -> None:
    assert acts_after(_INTENDED, [*[_BAD] * 50, _BUSY, *[_BAD] * 50]) == 51 + _TOLD_S


def test_without_doubt_only_an_operation_is_waited_for_and_what_it_did_to_be_told() -> None:
    assert acts_after(_PENDING, [_BAD]) == 0
    assert acts_after(_PENDING, [*[_BUSY] * 3, *[_BAD] * 30]) == 3 + _TOLD_S


def test_a_swap_that_happened_and_did_not_help_is_not_done_again() -> None:
    at_rest = replace(_INTENDED, evidence={"at_rest_since": after(_SHOWN_S).isoformat()})
    found = look(replace(_BAD, last_swap="today"), at_rest, _SHOWN_S + _TOLD_S)
    assert isinstance(found, Stop)
    assert (found.phase, found.note) == (StepPhase.FAILED, "a swap happened (today) and production runs b2")


@pytest.mark.parametrize("record", [_PENDING, _INTENDED, _ACTED], ids=lambda record: record.phase)
def test_while_the_platform_works_on_the_site_it_is_waited_for_whatever_runs(record: StepRecord) -> None:
    for picture in (_BUSY, replace(_GOOD, operation_id="operation-1"), replace(_BUSY, slot_build="b0")):
        found = look(picture, record)
        assert isinstance(found, Wait)
        assert found.note == "the platform works on the site (operation operation-1)"
    assert isinstance(look(_GOOD, record), Done)


@pytest.mark.parametrize("meanwhile", [_BUSY, _GOOD], ids=["busy", "good"])
def test_a_site_that_changed_since_the_intent_is_not_swapped(meanwhile: SitePicture) -> None:
    site = PlayedSite(_BAD)
    act = SwapSlots(site).observe(_POLICY, _RUN, _PENDING, NOON)
    assert isinstance(act, Act)
    site.picture = meanwhile
    with pytest.raises(TransientError, match="the site changed while the swap was being prepared"):
        act.effect(lambda: None)
    assert site.posts == 0


def test_the_fence_is_asked_right_before_the_post() -> None:
    def fence() -> None:
        raise LostRace("the lease ran out")

    site = PlayedSite(_BAD)
    act = SwapSlots(site).observe(_POLICY, _RUN, _PENDING, NOON)
    assert isinstance(act, Act)
    with pytest.raises(LostRace):
        act.effect(fence)
    assert site.posts == 0


def test_an_operation_that_runs_is_followed_although_the_site_does_not_show_it() -> None:
    found = look(_BAD, _ACTED)
    assert isinstance(found, Wait)
    assert found.note == "the swap is under way"


def test_what_was_refused_for_somebody_elses_sake_waits_until_that_must_have_shown_and_been_told() -> None:
    refused = replace(_PENDING, acts=1, refused=1, intended_at=NOON, busy_at=NOON)
    assert acts_after(refused, [_BAD] * 60) == 8 + 4 + _TOLD_S
    throttled = replace(refused, busy_at=None)
    assert acts_after(throttled, [_BAD]) == 0


def test_a_look_right_before_the_swap_that_fails_leaves_no_doubt() -> None:
    class Failing(PlayedSite):
        looks = 0

        def look(self, site: Site, slot: str) -> SitePicture:
            self.looks += 1
            if self.looks > 1:
                raise OutcomeUnknown("reading site orders: 503")
            return self.picture

    site = Failing(_BAD)
    act = SwapSlots(site).observe(_POLICY, _RUN, _PENDING, NOON)
    assert isinstance(act, Act)
    with pytest.raises(TransientError, match="nothing was sent: reading site orders: 503") as told:
        act.effect(lambda: None)
    assert not isinstance(told.value, OutcomeUnknown)
    assert site.posts == 0


def _last_of(record: StepRecord, seconds: int, state: OperationState | Exception) -> Look:
    found: Look = Wait(until=NOON, note="")
    for second in range(seconds):
        found = look(_BAD, record, second, operation=state if isinstance(state, Exception) else (state, ""))
        if not isinstance(found, Wait):
            break
        record = replace(record, evidence={**record.evidence, **found.evidence})
    return found


def test_a_swap_that_is_reported_done_and_did_not_help_is_given_up_once_reads_must_tell() -> None:
    found = _last_of(_ACTED, _TOLD_S, OperationState.SUCCEEDED)
    assert isinstance(found, Wait)
    found = _last_of(_ACTED, _TOLD_S + 1, OperationState.SUCCEEDED)
    assert isinstance(found, Stop)
    said = "the swap is reported done, yet production runs b2: another swap came between"
    assert (found.phase, found.note) == (StepPhase.FAILED, said)


def test_a_swap_of_which_nobody_tells_any_more_may_still_be_under_way() -> None:
    assert isinstance(_last_of(replace(_ACTED, operation=None), 200, OperationState.SUCCEEDED), Wait)
    assert isinstance(_last_of(_ACTED, 200, PermanentError("404")), Wait)


def test_builds_without_a_name_are_said_so() -> None:
    act = look(replace(_BAD, production_build=""), _PENDING)
    assert isinstance(act, Act)
    assert act.note == "production runs a build without a name, slot last-good holds b1"
    stop = look(replace(_BAD, slot_build=""), _PENDING)
    assert isinstance(stop, Stop)
    assert stop.note.startswith("slot last-good holds a build without a name, not the known-good build b1")
