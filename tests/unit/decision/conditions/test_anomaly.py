"""An anomaly: two sigmas or more, on the side that is meant, against a robust baseline."""

from collections.abc import Sequence
from dataclasses import replace
from math import exp, log

import pytest

from shared.decision.conditions import anomaly
from shared.decision.conditions.eras import values_of
from shared.decision.conditions.line import Mark
from shared.decision.conditions.usual import Measured, usual_of
from shared.model.conditions.anomaly import Anomaly
from shared.model.conditions.deviation import Worse
from shared.model.quantity import Dimension
from tests.unit.decision.build import NOON
from tests.unit.decision.conditions.before_lines import CALM, CHANGED, HOUR, around

TWO_SIGMAS = Anomaly(signal="p95", dimension=Dimension.LATENCY, worse=Worse.BOTH, sigmas=2.0, by=0.000001, before=HOUR)
UP, DOWN = replace(TWO_SIGMAS, worse=Worse.UP), replace(TWO_SIGMAS, worse=Worse.DOWN)


def _after(condition: Anomaly, after: Sequence[float], before: Sequence[float] = CALM) -> list[Mark]:
    found = anomaly.marks(condition, {"p95": around(before, after)}, CHANGED)
    return [mark for mark in found if mark.at > NOON]


def _at_sigmas(sigmas: float) -> float:
    usual = usual_of(values_of(around(CALM, [])), Dimension.LATENCY, falls=False)
    assert isinstance(usual, Measured)
    return exp(usual.centre + sigmas * usual.scale)


@pytest.mark.parametrize(
    ("condition", "sigmas", "odd"),
    [
        (UP, 1.999, False),
        (UP, 2.001, True),
        (UP, -4, False),
        (DOWN, -4, True),
        (DOWN, 4, False),
        (TWO_SIGMAS, 2.001, True),
        (TWO_SIGMAS, -4, True),
        (TWO_SIGMAS, 0, False),
    ],
)
def test_so_many_sigmas_are_usual_and_no_more(condition: Anomaly, sigmas: float, odd: bool) -> None:
    (mark,) = _after(condition, [_at_sigmas(sigmas)])
    assert mark.violates is odd


def test_each_value_is_looked_at_by_itself() -> None:
    assert [mark.violates for mark in _after(UP, [400, 200, 400])] == [True, False, True]


def test_it_must_matter_too() -> None:
    (mark,) = _after(replace(UP, by=0.5), [250])
    assert log(250 / 200) / 0.03 > 5
    assert mark.violates is False


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (CALM, 400, "p95 400 ms, usually 200 ms (23.0 sigmas > 2)"),
        (CALM, 202, "p95 202 ms, usually 200 ms (0.2 sigmas, 2 are allowed)"),
        (CALM[:5], 400, "p95 cannot be judged: 5 of 8 samples that are needed lie in the 1h before"),
    ],
)
def test_what_is_said(before: Sequence[float], after: float, said: str) -> None:
    (mark,) = _after(UP, [after], before)
    assert anomaly.said(UP, mark) == said
