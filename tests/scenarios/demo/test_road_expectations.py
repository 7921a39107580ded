"""The expectations of the scenarios about other roads: each is shown to break by exactly what it is there for."""

from dataclasses import replace

import pytest

from local.demo.expectations import judge
from local.demo.road_scenarios import ROAD_SCENARIOS
from local.demo.scene import GOOD_BUILD, Recording
from local.demo.users import Kind
from tests.scenarios.demo.recordings import BAD_BUILD, TAKEN_BACK
from tests.scenarios.demo.road_recordings import HEARD, as_it_must


def broken(recording: Recording) -> list[str]:
    expects = ROAD_SCENARIOS[recording.scenario].expects
    return [one.text for one in judge(recording, expects) if not one.held]


@pytest.mark.parametrize("name", ROAD_SCENARIOS)
def test_a_good_end_holds(name: str) -> None:
    assert broken(as_it_must(name)) == []


@pytest.mark.parametrize("name", ROAD_SCENARIOS)
def test_one_who_says_otherwise_in_the_end_is_enough(name: str) -> None:
    good = as_it_must(name)
    for question in ROAD_SCENARIOS[name].asks:
        last = {**good.heard_last, question: (*good.heard_last[question][1:], HEARD[name][0][0])}
        (text,) = broken(replace(good, heard_last=last))
        assert text.startswith(question)


@pytest.mark.parametrize("name", ROAD_SCENARIOS)
def test_what_never_was_otherwise_proves_nothing(name: str) -> None:
    good = as_it_must(name)
    assert len(broken(replace(good, heard_first=good.heard_last))) == len(ROAD_SCENARIOS[name].asks)
    assert len(broken(replace(good, heard_last={}))) == len(ROAD_SCENARIOS[name].asks)


@pytest.mark.parametrize("name", ROAD_SCENARIOS)
def test_one_kind_of_client_on_the_bad_build_is_enough(name: str) -> None:
    good = as_it_must(name)
    for kind in good.kinds:
        worse = tuple(
            replace(one, build=BAD_BUILD) if one.kind is kind and one.at_s > good.ended_at_s - 1 else one
            for one in good.visits
        )
        (text,) = broken(replace(good, visits=worse))
        assert text.startswith(f"{GOOD_BUILD} serves fresh, pinned")


@pytest.mark.parametrize("name", ROAD_SCENARIOS)
def test_the_road_itself_must_be_seen(name: str) -> None:
    good = as_it_must(name)
    unseen = tuple(one for one in good.events if not one.sentence.startswith("take:"))
    assert broken(replace(good, events=unseen)) == ["every moment of the story was seen"]


@pytest.mark.parametrize("name", ROAD_SCENARIOS)
def test_swaps_are_counted(name: str) -> None:
    good = as_it_must(name)
    more = (*good.site.swap_posts, TAKEN_BACK.site.swap_posts[0])
    (text,) = broken(replace(good, site=good.site.model_copy(update={"swap_posts": more})))
    assert text.startswith("ARM saw exactly")


def test_people_whom_nothing_held_were_not_freed() -> None:
    good = as_it_must("pinned")
    free = tuple(replace(one, build=GOOD_BUILD) if one.kind is Kind.HELD else one for one in good.visits)
    assert broken(replace(good, visits=free)) == [f"after the fault, held clients were still sent to {BAD_BUILD}"]


def test_the_outcome_must_tell_of_the_swap() -> None:
    silent = replace(as_it_must("slow-swap"), outcome="level 1 verified")
    assert broken(silent) == ["the outcome says: still under way: take:site:slot_swap"]
