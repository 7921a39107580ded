"""The error-count test: it may be asked as often as one likes, and keeps its promise."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.decision.conditions import more_errors
from shared.decision.conditions.line import Mark, View
from shared.decision.conditions.more_errors import evidence_of
from shared.model.conditions.more_errors import MoreErrors
from tests.unit.decision.build import NOON
from tests.unit.decision.conditions.before_lines import CHANGED, HOUR, around

KNOWN = MoreErrors(signal="error_rate", than=0.01, by=0.005, level=0.01, before=HOUR)
BEFORE = replace(KNOWN, than=None)


def _after(
    condition: MoreErrors, after: Sequence[float], before: Sequence[float] = (), count: int = 100, view: View = CHANGED
) -> list[Mark]:
    found = more_errors.marks(condition, {"error_rate": around(before, after, count)}, view)
    return [mark for mark in found if mark.at > NOON]


def _said(condition: MoreErrors, after: Sequence[float], before: Sequence[float] = ()) -> list[bool | None]:
    return [mark.violates for mark in _after(condition, after, before)]


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ([0.05, 0.05, 0.05], [False, True, True]),
        ([0.5], [True]),
        ([0.0, 0.0, 0.0], [False, False, False]),
        ([0.01] * 60, [False] * 60),
    ],
)
def test_failures_are_held_against_a_known_rate(after: list[float], expected: list[bool]) -> None:
    assert _said(KNOWN, after) == expected


def test_evidence_must_pass_the_level_exactly() -> None:
    marks = _after(KNOWN, [0.05, 0.05])
    first = evidence_of(5, 100, 0.01)
    at_bound = replace(KNOWN, level=2.718281828459045**-first * 1.0000001)
    beyond = replace(KNOWN, level=2.718281828459045**-first * 0.9999999)
    assert marks[0].violates is False
    assert _after(at_bound, [0.05])[0].violates is True
    assert _after(beyond, [0.05])[0].violates is False


def test_however_sure_it_must_matter() -> None:
    assert _after(KNOWN, [0.0149] * 60, count=100_000)[-1].violates is False
    assert _after(KNOWN, [0.0151] * 60, count=100_000)[-1].violates is True


def test_what_was_before_is_not_known_exactly() -> None:
    (little,) = _after(BEFORE, [0.05], [0.01] * 10)
    (much,) = _after(BEFORE, [0.05], [0.01] * 10, count=10_000)
    assert little.violates is False
    assert much.violates is True


def test_bursts_before_make_it_careful() -> None:
    after = [0.05] * 5
    assert _said(BEFORE, after, [0.01] * 60)[-1] is True
    assert _said(BEFORE, after, [0.0] * 54 + [0.1] * 6)[-1] is False


def test_without_a_baseline_it_says_nothing() -> None:
    (mark,) = _after(BEFORE, [0.5], [0.01] * 7)
    assert mark.violates is None
    assert more_errors.said(BEFORE, mark) == (
        "error_rate cannot be judged: 7 of 8 samples with more than one request each are known from before"
    )


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        (KNOWN, "error_rate 0.05 is more than 0.01 (evidence 151 to 1)"),
        (BEFORE, "error_rate 0.05 is not shown to be more than 0.01 before (evidence 12.5 to 1)"),
    ],
)
def test_what_is_said(condition: MoreErrors, said: str) -> None:
    mark = _after(condition, [0.05, 0.05], [0.01] * 60)[-1]
    assert more_errors.said(condition, mark) == said


@given(st.floats(0, 200), st.floats(0, 50), st.floats(0.001, 0.5))
def test_one_failure_more_in_place_of_a_success_is_more_evidence(ok: float, failed: float, rate: float) -> None:
    of = ok + failed + 1
    assert evidence_of(failed + 1, of, rate) >= evidence_of(failed, of, rate) - 1e-9


def test_asked_at_every_sample_of_300_quiet_watches_it_keeps_its_level() -> None:
    chance = Random(11)
    alarms = 0
    for _ in range(300):
        line = [sum(chance.random() < 0.01 for _ in range(50)) / 50 for _ in range(60)]
        alarms += any(mark.violates for mark in _after(replace(KNOWN, by=1e-9), line, count=50))
    assert alarms <= 6  # of 1 %, more than 6 of 300 come by chance 3 times in 100; seeded
