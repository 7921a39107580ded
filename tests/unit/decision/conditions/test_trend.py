"""A trend: exactly at its bound it is flat, one step beyond it is none, and half-seen periods say nothing."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.decision.conditions import trend
from shared.decision.conditions.line import Mark, View
from shared.model.conditions.pace import Pace
from shared.model.conditions.trend import Trend
from shared.model.quantity import Dimension
from shared.model.signal import Sample, failed, measured
from tests.unit.decision.build import at

_MINUTE = 60
RISES = Trend(
    signal="errors",
    dimension=Dimension.NUMBER,
    falls=False,
    by=0.5,
    at_least_by=5.0,
    over=timedelta(hours=1),
    least=1,
    pace=Pace(every=timedelta(minutes=10), patience=timedelta(minutes=30)),
)
FALLS = replace(RISES, falls=True)


def _line(values: Sequence[float | None], count: int = 1) -> list[Sample]:
    """One sample every ten minutes; `None` is an error."""
    moments = [at(600 * (place + 1)) for place in range(len(values))]
    return [
        failed(moment, "no answer") if value is None else measured(moment, value, count)
        for moment, value in zip(moments, values, strict=True)
    ]


def newest(condition: Trend, samples: Sequence[Sample]) -> Mark:
    found = trend.marks(condition, {"errors": samples}, View(watermark=samples[-1].at))
    return found[-1]


def _two(before: float, after: float) -> Sequence[float | None]:
    return [before] * 6 + [after] * 6


CASES = [
    pytest.param(RISES, _two(100, 150), False, id="by just as much is flat"),
    pytest.param(RISES, _two(100, 150.000001), True, id="by more is none"),
    pytest.param(RISES, _two(0.1, 0.15), False, id="of next to nothing a share is noise"),
    pytest.param(RISES, _two(0, 5), False, id="from nothing, by just the least amount"),
    pytest.param(RISES, _two(0, 5.1), True, id="from nothing, by more"),
    pytest.param(RISES, _two(100, 20), False, id="what falls does not rise"),
    pytest.param(RISES, _two(-100, -50), False, id="a share of what is below zero"),
    pytest.param(RISES, _two(-100, -49), True, id="more than that"),
    pytest.param(FALLS, _two(100, 50), False, id="down by just as much"),
    pytest.param(FALLS, _two(100, 49.9), True, id="down by more"),
    pytest.param(replace(RISES, by=0.2, at_least_by=0.0), _two(0.1, 0.12), False, id="exact in decimals"),
    pytest.param(replace(RISES, by=0.1, at_least_by=0.0), _two(3, 3.3), False, id="exact in decimals again"),
    pytest.param(RISES, [100.0] * 5 + [300.0] * 6, True, id="most of the hour before is enough"),
    pytest.param(RISES, [100.0] * 2 + [300.0] * 6, None, id="a third of it is not"),
    pytest.param(RISES, [100.0] * 6 + [None] * 4 + [300.0] * 2, None, id="nor a third of this one"),
    pytest.param(replace(RISES, least=7), _two(100, 300), None, id="too few observations in either"),
]


@pytest.mark.parametrize(("condition", "values", "violates"), CASES)
def test_a_trend_is(condition: Trend, values: Sequence[float | None], violates: bool | None) -> None:
    assert newest(condition, _line(values)).violates is violates


def test_the_boundary_between_both_hours_belongs_to_the_one_before() -> None:
    mark = newest(RISES, _line([100] * 5 + [400] + [100] * 6))
    assert (mark.violates, mark.value, mark.limit) == (False, 100, 225)


def test_means_are_weighted_by_count() -> None:
    samples = [measured(at(600 * (i + 1)), 100, 1) for i in range(6)]
    samples += [measured(at(600 * (i + 7)), 400 if i == 0 else 100, 13 if i == 0 else 1) for i in range(6)]
    assert newest(RISES, samples).value == pytest.approx((13 * 400 + 5 * 100) / 18)


SENTENCES = [
    (RISES, _two(100, 200), "errors 200 > 150 in 1h (100 in the 1h before)"),
    (RISES, _two(100, 120), "errors 120 <= 150 in 1h (100 in the 1h before)"),
    (FALLS, _two(100, 20), "errors 20 < 50 in 1h (100 in the 1h before)"),
    (
        RISES,
        [100.0, 300.0],
        "errors: too little to compare 1h with the 1h before: nothing and 33% seen, 0 and 2 counted",
    ),
]


@pytest.mark.parametrize(("condition", "values", "sentence"), SENTENCES)
def test_a_trend_says(condition: Trend, values: Sequence[float | None], sentence: str) -> None:
    assert trend.said(condition, newest(condition, _line(values))) == sentence


@given(st.lists(st.integers(0, 1_000), min_size=12, max_size=12), st.integers(0, 500))
def test_a_greater_hour_never_turns_a_rise_into_none(values: list[int], more: int) -> None:
    lower = newest(RISES, _line([float(v) for v in values]))
    higher = newest(RISES, _line([float(v) for v in values[:6]] + [float(v + more) for v in values[6:]]))
    assert not lower.violates or higher.violates
