"""The expectations of the scenarios about promotions and people: each breaks by exactly what it is there for."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from local.demo.expectations import judge
from local.demo.outside import NO_RULE
from local.demo.people_scenarios import NEW_BUILD, PEOPLE_SCENARIOS
from local.demo.promoting import share_seen
from local.demo.report import report
from local.demo.scene import APPROVED, GOOD_BUILD, RESUMED, SWAPPED, Recording
from local.demo.users import Kind
from local.demo.world import KnownGood
from tests.scenarios.demo.people_recordings import AS_THEY_MUST, mark, without_mark
from tests.scenarios.demo.recordings import BAD_BUILD, EVENTS, TAKEN_BACK, event

PROMOTION, BAD, LADDER, PAUSED = (AS_THEY_MUST[name] for name in ("promotion", "promotion-bad", "ladder", "paused"))


def broken(recording: Recording) -> list[str]:
    expects = PEOPLE_SCENARIOS[recording.scenario].expects
    return [one.text for one in judge(recording, expects) if not one.held]


def app(recording: Recording, **changes: Any) -> Recording:
    return replace(recording, app=recording.app.model_copy(update=changes))


def served(recording: Recording, build: str, *, since_s: float) -> Recording:
    """The same where fresh clients are served that build from a second on."""
    visits = tuple(
        replace(one, build=build) if one.kind is Kind.FRESH and one.at_s >= recording.zero_s + since_s else one
        for one in recording.visits
    )
    return replace(recording, visits=visits)


def test_every_scenario_has_a_good_end() -> None:
    assert set(AS_THEY_MUST) == set(PEOPLE_SCENARIOS)
    assert not any(broken(recording) for recording in AS_THEY_MUST.values())


@pytest.mark.parametrize(
    ("bend", "texts"),
    [
        (
            lambda: served(PROMOTION, GOOD_BUILD, since_s=78),
            [f"production serves {NEW_BUILD} to fresh, pinned and kept-alive clients"],
        ),
        (lambda: app(PROMOTION, known_good=KnownGood(build=GOOD_BUILD)), [f"the known good is {NEW_BUILD}"]),
        (lambda: app(PROMOTION, known_good=None), [f"the known good is {NEW_BUILD}"]),
        (
            lambda: replace(PROMOTION, heard_last=dict.fromkeys(PROMOTION.heard_last, ("candidate 50 %",))),
            [f"rules that lead away from production of demo: {NO_RULE}"],
        ),
        (
            lambda: without_mark(PROMOTION, share_seen(25)),
            [
                "ARM sent it 5 %, 25 %, 50 % of the requests, in this order",
                "with 5 %, about so many met it",
                "with 25 %, about so many met it",
            ],
        ),
        (lambda: without_mark(PROMOTION, SWAPPED), ["with 50 %, about so many met it"]),
        (lambda: replace(PROMOTION, told=()), ["people were told: promoted"]),
    ],
)
def test_a_promotion(bend: Callable[[], Recording], texts: list[str]) -> None:
    assert broken(bend()) == texts


def test_people_meet_a_build_by_its_share() -> None:
    """With 5 %, nobody is as wrong as a fifth of all."""
    nobody = tuple(
        replace(one, build=GOOD_BUILD) if one.at_s < PROMOTION.zero_s + 30 else one for one in PROMOTION.visits
    )
    fifth = tuple(
        replace(one, build=NEW_BUILD) if 10 <= one.at_s - PROMOTION.zero_s < 30 and place % 5 == 0 else one
        for place, one in enumerate(PROMOTION.visits)
    )
    for visits in (nobody, fifth):
        assert broken(replace(PROMOTION, visits=visits)) == ["with 5 %, about so many met it"]


def test_a_swap_that_went_forward_took_nothing_back() -> None:
    found = report(PROMOTION, [])
    assert (found.way, found.known_good_build) == ("nothing was taken back", NEW_BUILD)


_AGAIN, _RULES = "what the app answers who wants to promote", "rules that lead away"


@pytest.mark.parametrize(
    ("bend", "begins"),
    [
        (lambda: app(BAD, quarantine={}), [f"{BAD_BUILD} is in quarantine"]),
        (lambda: app(BAD, known_good=KnownGood(build=BAD_BUILD)), [f"the known good is {GOOD_BUILD}"]),
        (lambda: replace(BAD, events=(*EVENTS, event("promoted", 70))), ["the app never recorded: promoted"]),
        (lambda: replace(BAD, heard_last=BAD.heard_first), [_RULES, _AGAIN]),
        (
            lambda: replace(BAD, marks={**BAD.marks, share_seen(50): mark(30)}),
            ["ARM sent it 5 %, 25 % of the requests, in this order"],
        ),
        (lambda: served(BAD, BAD_BUILD, since_s=79), [f"production serves {GOOD_BUILD}"]),
        (lambda: replace(BAD, site=TAKEN_BACK.site), ["ARM saw exactly 0 swap POSTs"]),
    ],
)
def test_a_promotion_that_goes_back(bend: Callable[[], Recording], begins: list[str]) -> None:
    found = broken(bend())
    assert len(found) == len(begins)
    assert all(text.startswith(begin) for text, begin in zip(found, begins, strict=True))


@pytest.mark.parametrize("approved", [None, mark(74, "Approved"), mark(76, LADDER.marks[APPROVED].sentence)])
def test_nothing_of_level_2_is_done_before_somebody_read_and_approved(approved: Any) -> None:
    recording = without_mark(LADDER, APPROVED)
    found = broken(replace(recording, marks={**recording.marks, APPROVED: approved}) if approved else recording)
    read = f"{APPROVED}: Roll back demo to build {GOOD_BUILD}?; level 2, data; Approved"
    waited = f"restore_data was taken only after: {APPROVED}"
    expected = {None: [read, waited], "Approved": [read]}
    assert found == expected.get(approved.sentence if approved else None, [waited])


def test_the_data_must_be_back() -> None:
    (text,) = broken(replace(LADDER, heard_last=LADDER.heard_first))
    assert text.startswith("the data of demo")
    assert broken(replace(LADDER, outcome="level 1 verified")) == ["the outcome says: level 2 verified"]


@pytest.mark.parametrize("resumed_s", [None, 66])
def test_nothing_is_swapped_while_the_fleet_is_paused(resumed_s: float | None) -> None:
    recording = without_mark(PAUSED, RESUMED)
    marks = {**recording.marks, **({RESUMED: mark(resumed_s)} if resumed_s else {})}
    assert broken(replace(recording, marks=marks)) == [f"ARM saw no swap POST before: {RESUMED}"]


@pytest.mark.parametrize("kind", ["fleet_paused", "held_back", "fleet_resumed"])
def test_people_are_told_of_a_pause(kind: str) -> None:
    silent = tuple(told for told in PAUSED.told if told != kind)
    assert broken(replace(PAUSED, told=silent)) == [f"people were told: {kind}"]
