"""The story of a recording and its figures, on made-up recordings."""

import pytest

from local.demo.expectations import judge
from local.demo.report import report
from local.demo.scenarios import SCENARIOS
from local.demo.scene import ANNOUNCED, Mark, Recording
from local.demo.timeline import WELL_AGAIN, phases, seconds_to, timeline, well_again_at_s
from local.demo.users import Tally
from tests.scenarios.demo.recordings import ENDED_S, EVENTS, FAULT_AT_S, SWAPPED_S, TAKEN_BACK, VISITS, bent

PER_SECOND = 30


def told(recording: Recording) -> list[tuple[str, float]]:
    return [(moment.what, moment.at_s) for moment in timeline(recording)]


def test_the_story_is_told_in_order() -> None:
    assert told(TAKEN_BACK) == [
        ("change announced", -5.0),
        ("fault injected", 0.0),
        ("first bad sample", 4.0),
        ("pending", 4.2),
        ("firing", 64.1),
        ("decided", 64.1),
        ("slot_swap accepted", 65.0),
        (WELL_AGAIN, SWAPPED_S),
        ("slot_swap established", 73.5),
        ("verified", 75.0),
    ]


def test_arm_tells_of_a_swap_that_the_app_could_not_note() -> None:
    unnoted = bent(events=tuple(event for event in EVENTS if event.kind != "effect_accepted"))
    assert seconds_to(timeline(unnoted), "slot_swap accepted") == pytest.approx(64.9)


def test_users_are_counted_by_phase() -> None:
    found = phases(TAKEN_BACK)
    assert found.before == Tally(10 * PER_SECOND, 0)
    assert found.during == Tally(SWAPPED_S * PER_SECOND, SWAPPED_S * PER_SECOND)
    assert found.after == Tally((ENDED_S - SWAPPED_S) * PER_SECOND, 0)


def test_users_who_fail_to_the_end_are_not_well_again() -> None:
    cut_short = bent(
        visits=tuple(visit for visit in VISITS if visit.at_s < FAULT_AT_S + 40), ended_at_s=FAULT_AT_S + 40
    )
    assert well_again_at_s(cut_short) is None
    assert phases(cut_short).after == Tally(0, 0)


def test_without_a_fault_every_request_came_before() -> None:
    quiet = bent(marks={ANNOUNCED: Mark(FAULT_AT_S - 5, "deployed")})
    assert phases(quiet).before.requests == len(VISITS)
    assert phases(quiet).during == phases(quiet).after == Tally(0, 0)


def test_the_report_has_the_figures() -> None:
    found = report(TAKEN_BACK, judge(TAKEN_BACK, SCENARIOS["bad-build"].expects))
    assert found.held
    assert (found.fault_to_firing_s, found.firing_to_verified_s, found.fault_to_verified_s) == (64.1, 10.9, 75.0)
    assert found.as_json()["users"]["during"] == {"requests": 2190, "failures": 2190}
    assert found.as_json()["timeline"][1] == {"at_s": 0.0, "what": "fault injected", "sentence": "broken"}


def test_what_did_not_happen_is_null() -> None:
    found = report(bent(events=()), []).as_json()
    assert (found["fault_to_firing_s"], found["firing_to_verified_s"], found["fault_to_verified_s"]) == (None,) * 3
