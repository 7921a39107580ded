"""What stands against a rollback: each reason by itself, their order, and what a person may overrule."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.decision.guards import rollback_limitation
from shared.model.policy import Guards
from shared.model.rollback import RunStatus
from tests.unit.decision.build import MICROSECOND, NOON, ended, situation

RUNNING = "rollback orders.7 is still running"
NO_KNOWN_GOOD = "no known-good build is recorded for this workload"
ALREADY_THERE = "production already runs the known-good build b41"
COOLING = "rollback orders.1 ended verified less than 15 min ago; automatic again at 12:14:00 UTC"
OBSERVING = "the policy says observe_only"

# In the order in which they are given, each with what brings it about.
LIMITATIONS: list[tuple[str, dict[str, Any]]] = [
    (RUNNING, {"active_rollback": "orders.7"}),
    (NO_KNOWN_GOOD, {"known_good": None}),
    (ALREADY_THERE, {"production_build": "b41"}),
    (COOLING, {"last_rollback": ended()}),
    (OBSERVING, {"guards": Guards(observe_only=True)}),
]


def test_nothing_stands_against_a_rollback_by_itself() -> None:
    assert rollback_limitation(situation()) is None


def test_a_build_that_was_not_seen_yet_does_not_stand_against_it() -> None:
    assert rollback_limitation(situation(production_build="")) is None


@pytest.mark.parametrize(("reason", "changes"), LIMITATIONS)
def test_each_limitation_says(reason: str, changes: dict[str, Any]) -> None:
    assert rollback_limitation(situation(**changes)) == reason


@pytest.mark.parametrize("first", range(len(LIMITATIONS)))
def test_the_first_limitation_in_order_is_the_one_that_is_given(first: int) -> None:
    together: dict[str, Any] = {}
    for _, changes in LIMITATIONS[first:]:
        together |= changes
    if together.get("known_good", ...) is None:
        together.pop("production_build", None)  # without a known good there is nothing it could already run
    assert rollback_limitation(situation(**together)) == LIMITATIONS[first][0]


@pytest.mark.parametrize(
    ("reason", "changes", "by_hand"),
    [
        (*LIMITATIONS[0], RUNNING),
        (*LIMITATIONS[1], NO_KNOWN_GOOD),
        (*LIMITATIONS[2], None),
        (*LIMITATIONS[3], None),
        (*LIMITATIONS[4], None),
    ],
)
def test_a_person_overrules_what_was_seen_the_cool_down_and_observe_only_but_not_the_records(
    reason: str, changes: dict[str, Any], by_hand: str | None
) -> None:
    assert rollback_limitation(situation(**changes)) == reason
    assert rollback_limitation(situation(**changes, by_hand=True)) == by_hand


@pytest.mark.parametrize(
    ("now", "free"),
    [
        (NOON + timedelta(minutes=14) - MICROSECOND, False),
        (NOON + timedelta(minutes=14), True),
    ],
)
def test_the_cool_down_ends_at_its_very_moment(now: datetime, free: bool) -> None:
    assert (rollback_limitation(situation(now=now, last_rollback=ended(ago_s=60))) is None) is free


@pytest.mark.parametrize("status", [status for status in RunStatus if status.ended])
def test_every_end_of_a_rollback_starts_the_cool_down_and_is_named(status: RunStatus) -> None:
    reason = rollback_limitation(situation(last_rollback=ended(status)))
    assert reason is not None
    assert f"ended {status}" in reason


def test_the_cool_down_is_the_policys() -> None:
    guards = Guards(cool_down=timedelta(seconds=30))
    assert rollback_limitation(situation(guards=guards, last_rollback=ended(ago_s=60))) is None
