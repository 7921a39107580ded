"""What stands against a rollback: each reason by itself, their order, and what a person may overrule."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.decision.guards import rollback_limitation
from shared.model.attribution import Blame
from shared.model.budget import Budget
from shared.model.change import Change, ChangeStatus
from shared.model.policy import Guards
from shared.model.quarantine import Quarantine, Quarantined
from shared.model.run import RunStatus
from shared.model.trigger import Tier, TriggerState, Verdict
from tests.unit.decision.build import MICROSECOND, NOON, at, ended, reading, seconds, situation

RUNNING = "rollback orders.7 is still running"
NO_KNOWN_GOOD = "no known-good build is recorded for this workload"
ALREADY_THERE = "production already runs the known-good build b41"
COOLING = "rollback orders.1 ended verified less than 15 min ago; automatic again at 12:14:00 UTC"
OBSERVING = "the policy says observe_only"
IN_QUARANTINE = "in quarantine since 2026-03-01 11:00:00 UTC by rollback orders.1"
BAD_TARGET = f"the target is bad too: build b41 is {IN_QUARANTINE}"
LOOP = f"build b42 is {IN_QUARANTINE}, which took it back, and is there again: whoever deploys it must be stopped first"
BAD_BEFORE = (
    "it was already bad before the change: errors has held since 2026-03-01 11:58:00 UTC, "
    "the deployment of build b42 began at 2026-03-01 11:59:00 UTC"
)
BLAMED = "the platform is bad too: azure since 2026-03-01 11:58:00 UTC"
USED_UP = "the budget of 2 per 1d is used up; automatic again at 2026-03-02 11:10:00 UTC"
PAUSED = "the fleet is paused since 2026-03-01 11:00:00 UTC by ann: Azure is down"

_WHY = Quarantined(since=at(-3600), rollback_id="orders.1", taken_back=True)
_CHANGE = Change(id="change.1", kind="deployment", build="b42", started_at=at(-60))
_FIRING = replace(reading(Tier.CRITICAL, TriggerState.FIRING, Verdict.UNHEALTHY), since=at(-120), hold_for=seconds(60))

# In the order in which they are given, each with what brings it about.
LIMITATIONS: list[tuple[str, dict[str, Any]]] = [
    (RUNNING, {"active_rollback": "orders.7"}),
    (NO_KNOWN_GOOD, {"known_good": None}),
    (BAD_TARGET, {"quarantine": Quarantine({"b41": _WHY, "b42": _WHY})}),
    (ALREADY_THERE, {"production_build": "b41"}),
    (BAD_BEFORE, {"change": _CHANGE, "firing": _FIRING}),
    (BLAMED, {"firing": _FIRING, "blames": {"errors": Blame(BLAMED, "azure 0 < 1")}}),
    (LOOP, {"quarantine": Quarantine({"b42": _WHY})}),
    (COOLING, {"last_rollback": ended()}),
    (USED_UP, {"started": (at(-3000), at(-86_000), at(-86_400), at(-2000))}),
    (PAUSED, {"fleet": PAUSED}),
    (OBSERVING, {"guards": Guards(observe_only=True)}),
]


def test_nothing_stands_against_a_rollback_by_itself() -> None:
    assert rollback_limitation(situation()) is None


def test_a_build_that_was_not_seen_yet_does_not_stand_against_it() -> None:
    assert rollback_limitation(situation(production_build="")) is None


@pytest.mark.parametrize(("reason", "changes"), LIMITATIONS)
def test_each_limitation_says(reason: str, changes: dict[str, Any]) -> None:
    assert rollback_limitation(situation(**changes)) == reason


@pytest.mark.parametrize(
    ("first", "second"), [(one, two) for one in range(len(LIMITATIONS)) for two in range(one + 1, len(LIMITATIONS))]
)
def test_the_first_limitation_in_order_is_the_one_that_is_given(first: int, second: int) -> None:
    (reason, changes), (_, more) = LIMITATIONS[first], LIMITATIONS[second]
    assert rollback_limitation(situation(**{**more, **changes})) == reason


_RECORDS = (RUNNING, NO_KNOWN_GOOD, BAD_TARGET)


@pytest.mark.parametrize(("reason", "changes"), LIMITATIONS)
def test_a_person_overrules_all_but_the_records(reason: str, changes: dict[str, Any]) -> None:
    assert rollback_limitation(situation(**changes, by_hand=True)) == (reason if reason in _RECORDS else None)


def test_with_another_road_than_the_swap_a_good_production_may_still_have_something_to_take_back() -> None:
    assert rollback_limitation(situation(production_build="b41", swaps_only=False)) is None


@pytest.mark.parametrize(
    ("since_s", "started_s", "held_back"),
    [(-120, -60, True), (-120, -61, False), (-60, -60, False), (-30, -60, False)],
)
def test_what_fired_only_after_the_change_began_is_its_doing(since_s: int, started_s: int, held_back: bool) -> None:
    change, firing = replace(_CHANGE, started_at=at(started_s)), replace(_FIRING, since=at(since_s))
    assert (rollback_limitation(situation(change=change, firing=firing)) is not None) is held_back


@pytest.mark.parametrize("status", ChangeStatus)
def test_a_change_that_is_over_excuses_nothing_and_one_that_is_paused_is_not_over(status: ChangeStatus) -> None:
    reason = rollback_limitation(situation(change=replace(_CHANGE, status=status), firing=_FIRING))
    assert reason == (BAD_BEFORE if status in (ChangeStatus.ACTIVE, ChangeStatus.SLOWED, ChangeStatus.PAUSED) else None)


def test_a_build_that_was_not_taken_back_yet_may_be_tried_again() -> None:
    why = replace(_WHY, taken_back=False)
    assert rollback_limitation(situation(quarantine=Quarantine({"b42": why}))) is None


@pytest.mark.parametrize(
    ("production", "changing", "bad"),
    [
        ("b42", None, "b42"),
        ("b41", None, ""),
        ("", None, ""),
        ("b41", "b43", "b43"),
        ("", "b43", "b43"),
        ("b42", "b43", "b42"),
        ("", "b41", ""),
    ],
)
def test_the_bad_build_is_the_one_that_is_seen_or_else_the_one_being_deployed_and_never_the_known_good(
    production: str, changing: str | None, bad: str
) -> None:
    change = replace(_CHANGE, build=changing) if changing else None
    assert situation(production_build=production, change=change).bad_build == bad


@pytest.mark.parametrize(
    ("started_s", "free_at"),
    [((), None), ((-10,), None), ((-10, -20), -20 + 86_400), ((-30, -10, -20), -20 + 86_400), ((-10, -86_400), None)],
)
def test_a_budget_is_free_again_when_enough_of_it_has_gone_by(started_s: tuple[int, ...], free_at: int | None) -> None:
    free = Budget(2, timedelta(hours=24)).free_at([at(started) for started in started_s], NOON)
    assert free == (None if free_at is None else at(free_at))


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
