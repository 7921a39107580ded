"""Which of two questions stays, and which firing is settled: the rules by themselves."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.decision.asking import Wanted, new_ask
from shared.decision.which_question import gives_way, settled_by
from shared.model.ask import Ask, AskStatus, Settled
from shared.model.policy import Policy
from shared.model.policy_approval import Approval, OnExpiry
from shared.model.run import RoadTimes
from shared.model.trigger import Tier, TriggerReading, TriggerState, Verdict
from shared.model.watch import WatchState
from tests.fakes.clock import NOON
from tests.fakes.policies import policy
from tests.unit.engine.asked import LEVELS, Asked

pytestmark = pytest.mark.long

_TRIGGERS = (
    "  critical:\n    - {name: errors, when: error_rate > 5%, for: 20s, at_least: 20 requests}\n",
    "  critical:\n"
    "    - {name: outage, when: error_rate > 30%, for: 20s}\n"
    "    - {name: outage2, when: error_rate > 40%, for: 20s}\n"
    "  warning:\n"
    "    - {name: errors, when: error_rate > 5%, for: 20s}\n"
    "    - {name: errors2, when: error_rate > 6%, for: 20s}\n",
)
POLICY: Policy = policy(_TRIGGERS, ("notify:", LEVELS))
NAMES = ("", "errors", "errors2", "outage", "outage2")
_WEIGHTS = {"": 0, "errors": 1, "errors2": 1, "outage": 2, "outage2": 2}


def wanted(level: int, trigger: str) -> Wanted:
    return replace(Asked().wanted(level), trigger=trigger)


def asked(level: int, trigger: str) -> Ask:
    return new_ask(POLICY, Approval(), wanted(level, trigger), RoadTimes(), NOON)


def reading(name: str, state: TriggerState, since: datetime | None = NOON) -> TriggerReading:
    verdict = Verdict.HEALTHY if state is TriggerState.INACTIVE else Verdict.UNHEALTHY
    return TriggerReading(name=name, tier=Tier.WARNING, state=state, verdict=verdict, sentence="", since=since)


def seen(*firing: str) -> WatchState:
    states = {name: TriggerState.FIRING if name in firing else TriggerState.INACTIVE for name in NAMES if name}
    return WatchState(readings=tuple(reading(name, state) for name, state in states.items()))


CASES = st.tuples(st.integers(1, 3), st.sampled_from(NAMES))


@given(CASES, CASES.filter(lambda case: case[1] != ""), st.booleans())
def test_what_a_trigger_wants_takes_the_place_of_less_alone(
    current: tuple[int, str], other: tuple[int, str], still: bool
) -> None:
    watch = seen(*{current[1] if still else "", other[1]})
    gives = gives_way(POLICY, asked(*current), wanted(*other), watch)
    if current[0] != other[0]:
        assert gives == (current[0] < other[0])
    elif current[1] == other[1]:
        assert not gives
    else:
        stands = still or current[1] == ""
        assert gives == (not stands or _WEIGHTS[current[1]] < _WEIGHTS[other[1]])


@given(CASES, CASES)
def test_no_two_that_fire_take_the_place_of_each_other(one: tuple[int, str], other: tuple[int, str]) -> None:
    watch = seen(one[1], other[1])
    there = gives_way(POLICY, asked(*one), wanted(*other), watch)
    back = gives_way(POLICY, asked(*other), wanted(*one), watch)
    assert not (there and back)


_ENDS = [
    (AskStatus.REJECTED, OnExpiry.ACT, False, True),
    (AskStatus.WITHDRAWN, OnExpiry.ACT, False, True),
    (AskStatus.EXPIRED, OnExpiry.HOLD, False, True),
    (AskStatus.EXPIRED, OnExpiry.ACT, True, True),
    (AskStatus.EXPIRED, OnExpiry.ACT, False, False),
    (AskStatus.EXPIRED, OnExpiry.CLIMB, False, False),
    (AskStatus.SUPERSEDED, OnExpiry.HOLD, False, False),
    (AskStatus.APPROVED, OnExpiry.HOLD, False, False),
]


@pytest.mark.parametrize(("status", "on_expiry", "four_eyes", "settles"), _ENDS)
def test_what_settles_a_firing(status: AskStatus, on_expiry: OnExpiry, four_eyes: bool, settles: bool) -> None:
    over = replace(asked(1, "errors"), status=status, on_expiry=on_expiry, four_eyes=four_eyes)
    settled = settled_by(Settled(), over, seen("errors"))
    assert settled.has("errors", NOON) == settles
    assert not settled.has("errors", NOON + timedelta(seconds=10))


def test_only_firings_of_now_are_remembered() -> None:
    before = Settled({"outage": NOON, "errors2": NOON - timedelta(hours=1), "gone": NOON})
    over = replace(asked(1, ""), status=AskStatus.REJECTED)
    assert settled_by(before, over, seen("outage", "errors2")) == Settled({"outage": NOON})


def test_what_fires_no_more_when_people_answer_settles_nothing() -> None:
    over = replace(asked(1, "errors"), status=AskStatus.REJECTED)
    quiet = WatchState(readings=(reading("errors", TriggerState.INACTIVE, None),))
    assert settled_by(Settled(), over, quiet) == Settled()
