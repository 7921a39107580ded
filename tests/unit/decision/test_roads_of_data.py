"""Rows go back before what serves them, and what serves them goes back even when the rows do not."""

from datetime import timedelta

import pytest

from shared.model.policy import Policy
from shared.model.run import RunStatus, StepPhase
from tests.fakes.policies import policy
from tests.unit.decision.test_roads import Fate, Played

_FAILED, _REFUSED = Fate(3, StepPhase.FAILED), Fate(3, StepPhase.REFUSED)


def chosen(components: str, *more: str, after: str = "", emergency: str = "") -> Policy:
    """A policy whose level 1 takes rows of two databases; what serves them takes 10 s at its 95th percentile."""
    serving = ", ".join(f"{name}: {{slot_traffic: {name}, takes: 10s}}" for name in ("split", "names", "far", *more))
    text = f"""\
databases: {{shop: {{source: a, target: b}}, stock: {{source: c, target: d}}}}
roads: {{back: {{data_sync: shop}}, stock: {{data_sync: stock}}, {serving}}}
levels: {{1: {{components: {components}, after: {{{after}}}, emergency: [{emergency}], budget: 5m}}}}
notify:"""
    return policy(("notify:", text))


_ROWS_AND_WEB = "{web: [split], rows: [back]}"


def test_what_serves_rows_waits_until_they_are_there() -> None:
    played = Played(chosen(_ROWS_AND_WEB), {"back": Fate(70)}).play()
    assert played.lines == [(0, "back"), (70, "split"), (73, "verify:1")]
    assert played.ending is not None
    assert played.ending.status is RunStatus.VERIFIED


@pytest.mark.parametrize("fate", [_FAILED, _REFUSED])
def test_traffic_goes_back_without_them_and_that_is_said(fate: Fate) -> None:
    played = Played(chosen(_ROWS_AND_WEB), {"back": fate}).play()
    assert played.lines == [(0, "back"), (3, "split"), (6, "verify:1")]
    assert played.ending is not None
    assert played.ending.status is RunStatus.PARTIAL
    assert "rows was not taken back: back: take:rows:back " in played.ending.note


def test_rows_that_are_late_are_waited_for_until_they_are_given_up() -> None:
    """Traffic to a database that rows are still written to would be the worse end."""
    played = Played(chosen(_ROWS_AND_WEB), {"back": Fate(3600)}).play()
    assert played.lines == [(0, "back"), (240, "split"), (243, "verify:1")]


def test_two_databases_go_back_side_by_side_and_both_are_waited_for() -> None:
    both = chosen("{web: [split], rows: [back], more: [stock]}")
    played = Played(both, {"back": Fate(20), "stock": Fate(50)}).play()
    assert played.lines == [(0, "back"), (0, "stock"), (50, "split"), (53, "verify:1")]


def test_one_that_is_lost_does_not_free_what_waits_for_the_other() -> None:
    both = chosen("{web: [split], rows: [back], more: [stock]}")
    played = Played(both, {"back": _FAILED, "stock": Fate(50)}).play()
    assert played.lines[2] == (50, "split")


def test_an_order_of_ones_own_comes_on_top() -> None:
    played = Played(chosen("{jobs: [names], web: [split], rows: [back]}", after="jobs: [web]"), {}).play()
    assert played.lines == [(0, "back"), (3, "split"), (6, "names"), (9, "verify:1")]


def test_the_next_road_of_a_component_is_tried_before_others_stop_waiting() -> None:
    level = chosen("{jobs: [names], web: [split, two]}", "two", after="jobs: [web]")
    played = Played(level, {"split": _FAILED}).play()
    assert played.lines == [(0, "split"), (3, "two"), (6, "names"), (9, "verify:1")]


def test_the_emergency_waits_for_the_rows_as_well() -> None:
    played = Played(chosen(_ROWS_AND_WEB, emergency="far"), {"back": Fate(100), "split": _FAILED}).play()
    assert played.lines == [(0, "back"), (100, "split"), (103, "far"), (106, "verify:1")]


def test_rows_that_are_lost_call_the_emergency_after_them() -> None:
    played = Played(chosen(_ROWS_AND_WEB, emergency="far"), {"back": _FAILED}).play()
    assert [name for _, name in played.lines] == ["back", "split", "far", "verify:1"]


def test_a_verification_that_fails_does_not_take_rows_back_again() -> None:
    level = chosen("{web: [split, two], rows: [back]}", "two")
    played = Played(level, {"verify:1": Fate(10**6)}).play()
    assert played.opened.count("back") == 1
    assert played.opened[-2:] == ["two", "verify:2"]


def test_rows_are_given_up_within_the_time_that_traffic_still_has() -> None:
    road = chosen(_ROWS_AND_WEB).all_roads["back"]
    assert (road.takes, road.give_up_after) == (timedelta(minutes=2), timedelta(minutes=4))
