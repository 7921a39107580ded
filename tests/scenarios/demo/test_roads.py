"""Which roads were taken, by what the app says of its steps, on made-up recordings."""

from dataclasses import replace

import pytest

from local.demo.roads import RoadTaken, roads_taken, said_of
from local.demo.timeline import timeline
from local.demo.world import AppEvent
from tests.scenarios.demo.recordings import EVENTS, FAULT_AT_S, TAKEN_BACK, bent, event

ACCEPTED = event("effect_accepted", 75, about="run", sentence="take:site:front_door accepted: it is not as wanted")
ESTABLISHED = event("step_done", 78, about="run", sentence="take:site:front_door: it is as wanted")
FAILED = event("step_failed", 70, about="run", sentence="take:site:slot_swap failed: the platform said no")
WITHOUT_SWAP_DONE = tuple(one for one in EVENTS if not one.sentence.startswith("take:site:slot_swap: "))


def taken(*events: AppEvent) -> dict[str, RoadTaken]:
    return {each.road: each for each in roads_taken(bent(events=events))}


def test_a_road_is_known_by_its_steps() -> None:
    (swap,) = roads_taken(TAKEN_BACK)
    assert (swap.road, swap.under_way) == ("slot_swap", False)
    assert swap.accepted is not None
    assert swap.established is not None
    assert (swap.accepted.at_s - FAULT_AT_S, swap.established.at_s - FAULT_AT_S) == (65, 73.5)


def test_what_was_overtaken_is_still_under_way() -> None:
    roads = taken(*WITHOUT_SWAP_DONE, ACCEPTED, ESTABLISHED)
    assert [each.road for each in roads.values() if each.under_way] == ["slot_swap"]
    assert list(roads) == ["slot_swap", "front_door"]
    assert said_of(list(roads.values())) == "taken back by front_door; slot_swap still under way"


def test_what_failed_is_not_under_way() -> None:
    roads = taken(*WITHOUT_SWAP_DONE, FAILED, ACCEPTED, ESTABLISHED)
    assert said_of(list(roads.values())) == "taken back by front_door; slot_swap failed"


def test_the_first_of_two_orders_counts() -> None:
    again = ACCEPTED.model_copy(update={"at": ESTABLISHED.at})
    accepted = taken(ACCEPTED, again)["front_door"].accepted
    assert accepted is not None
    assert accepted.at_s - FAULT_AT_S == 75


def test_only_what_was_accepted_took_anything_back() -> None:
    """A road that was as the policy wants it before anybody set it has not done it."""
    no_posts = TAKEN_BACK.site.model_copy(update={"swap_posts": ()})
    assert said_of(roads_taken(bent(events=(ESTABLISHED,), site=no_posts))) == "nothing was taken back"


@pytest.mark.parametrize(("events", "what"), [((ACCEPTED,), "front_door accepted"), ((FAILED,), "slot_swap failed")])
def test_the_timeline_names_the_road(events: tuple[AppEvent, ...], what: str) -> None:
    assert what in {moment.what for moment in timeline(replace(TAKEN_BACK, events=events))}
