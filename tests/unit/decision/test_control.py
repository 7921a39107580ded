"""What a change should do now, and why: of all that speaks, the strongest."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.decision.control import Standing, control_of, newly_told
from shared.model.change import Change, ChangeStatus, Do
from shared.model.policy import Policy
from shared.model.watch import WatchState
from tests.fakes.policies import policy
from tests.unit.decision.build import NOON, at

CHANGE = Change(id="orders.change.1", kind="migration", build="b2", started_at=at(-600))
SEEN = WatchState(cycled_at=at(-5), sentence="healthy: all is well")
BLIND = replace(SEEN, blind_since=at(-300), sentence="blind: error_rate has no measured sample for 5 min")
BY_ANN = CHANGE.moved(ChangeStatus.PAUSED, "the migration of build b2 paused by ann", at(-30), by="ann")
BY_TRIGGER = CHANGE.moved(ChangeStatus.PAUSED, "pause the change: memory", at(-30), by="watch", trigger="memory")
SLOWED = CHANGE.moved(ChangeStatus.SLOWED, "the migration of build b2 slowed by ann", at(-30), by="ann")
ROLLED_BACK = CHANGE.moved(ChangeStatus.ROLLED_BACK, "level 1 verified", at(-30), by="orders.7")


def standing(change: Change | None = CHANGE, by: Policy | None = None, **more: Any) -> Standing:
    ready = Standing(policy=by or policy(), change=change, rolling_back=None, state=SEEN, now=NOON)
    return replace(ready, **more)


def ruled(rules: str) -> Policy:
    return policy(("notify:", f"control: {{{rules}}}\nnotify:"))


CASES = [
    pytest.param(standing(), "run", at(-600), "the migration of build b2 is in progress", id="in progress"),
    pytest.param(standing(None), "pause", None, "no change is in progress", id="none"),
    pytest.param(
        standing(rolling_back="orders.20260301T115950000000"),
        "pause",
        at(-10),
        "rollback orders.20260301T115950000000 is under way",
        id="rolling back",
    ),
    pytest.param(
        standing(ROLLED_BACK),
        "pause",
        at(-30),
        "no change is in progress; the migration of build b2 is rolled back: level 1 verified",
        id="rolled back",
    ),
    pytest.param(
        standing(replace(CHANGE, status=ChangeStatus.COMPLETED)),
        "pause",
        at(-600),
        "no change is in progress; the migration of build b2 is completed",
        id="completed by an older version",
    ),
    pytest.param(
        standing(BY_ANN),
        "pause",
        at(-30),
        "the migration of build b2 paused by ann; a person resumes it",
        id="paused by a person",
    ),
    pytest.param(
        standing(BY_TRIGGER),
        "pause",
        at(-30),
        "pause the change: memory; a person resumes it",
        id="paused by a trigger",
    ),
    pytest.param(
        standing(BY_TRIGGER, ruled("resume: by_itself")),
        "pause",
        at(-30),
        "pause the change: memory; it goes on once memory has been quiet",
        id="paused until it is quiet",
    ),
    pytest.param(
        standing(SLOWED),
        "slow",
        at(-30),
        "the migration of build b2 slowed by ann; a person resumes it",
        id="slowed",
    ),
    pytest.param(
        standing(state=BLIND),
        "slow",
        at(-240),
        f"nobody sees what the migration of build b2 does: {BLIND.sentence}",
        id="blind for too long",
    ),
    pytest.param(
        standing(by=ruled("when_blind: pause"), state=BLIND),
        "pause",
        at(-240),
        f"nobody sees what the migration of build b2 does: {BLIND.sentence}",
        id="blind, and the policy says pause",
    ),
    pytest.param(
        standing(by=ruled("when_blind: run"), state=BLIND),
        "run",
        at(-240),
        f"nobody sees what the migration of build b2 does: {BLIND.sentence}",
        id="blind, and the policy says run",
    ),
    pytest.param(
        standing(state=replace(BLIND, blind_since=at(-59))),
        "run",
        at(-600),
        "the migration of build b2 is in progress",
        id="blind for a moment",
    ),
    pytest.param(
        standing(state=replace(SEEN, cycled_at=at(-90))),
        "slow",
        at(-30),
        "nobody sees what the migration of build b2 does: not watched since 2026-03-01 11:58:30 UTC",
        id="the watch stands still",
    ),
    pytest.param(
        standing(state=WatchState()),
        "slow",
        at(-600),
        "nobody sees what the migration of build b2 does: blind: not watched yet",
        id="never watched",
    ),
    pytest.param(
        standing(SLOWED, ruled("when_blind: pause"), state=BLIND),
        "pause",
        at(-240),
        f"nobody sees what the migration of build b2 does: {BLIND.sentence}",
        id="the stronger of two",
    ),
    pytest.param(
        standing(BY_ANN, rolling_back="orders.20260301T115950000000"),
        "pause",
        at(-10),
        "rollback orders.20260301T115950000000 is under way",
        id="the first of equals",
    ),
]


@pytest.mark.parametrize(("found", "do", "since", "sentence"), CASES)
def test_what_a_change_should_do(found: Standing, do: str, since: Any, sentence: str) -> None:
    control = control_of(found)
    assert (control.do.value, control.since, control.sentence) == (do, since, sentence)
    assert control.change == (found.change.id if found.change else None)


@given(
    change=st.sampled_from([None, *(replace(CHANGE, status=status) for status in ChangeStatus)]),
    rolling_back=st.sampled_from([None, "orders.20260301T115950000000"]),
    blind_s=st.none() | st.integers(0, 300),
    when_blind=st.sampled_from(["run", "slow", "pause"]),
)
def test_nothing_runs_that_is_held_up(
    change: Change | None, rolling_back: str | None, blind_s: int | None, when_blind: str
) -> None:
    state = SEEN if blind_s is None else replace(SEEN, blind_since=NOON - timedelta(seconds=blind_s))
    found = standing(change, ruled(f"when_blind: {when_blind}"), rolling_back=rolling_back, state=state)
    going = change is not None and change.status in (ChangeStatus.ACTIVE, ChangeStatus.SLOWED)
    if rolling_back or not going:
        assert control_of(found).do is Do.PAUSE
    elif blind_s is None or blind_s < 60:
        assert control_of(found).do is (Do.RUN if change and change.status is ChangeStatus.ACTIVE else Do.SLOW)


def test_a_hook_is_told_what_is_new_to_it() -> None:
    told = newly_told(CHANGE, control_of(standing()))
    assert told.told is not None
    assert (told.told.sequence, told.told.control.do) == (1, Do.RUN)
    assert newly_told(told, control_of(standing())) is told
    paused = newly_told(told, control_of(standing(BY_ANN)))
    assert paused.told is not None
    assert (paused.told.sequence, paused.told.control.do) == (2, Do.PAUSE)
    assert newly_told(paused, control_of(standing(BY_TRIGGER))) is paused


def test_a_hook_is_told_of_every_change() -> None:
    told = newly_told(CHANGE, control_of(standing()))
    other = replace(told, id="orders.change.2")
    again = newly_told(other, control_of(standing(other)))
    assert again.told is not None
    assert (again.told.sequence, again.told.control.change) == (2, "orders.change.2")
