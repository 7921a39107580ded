"""A forecast: it says when a steady rise arrives, and noise, wild points and half-seen days make it say nothing."""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from shared.decision.conditions import forecast
from shared.decision.conditions.forecast import fitted
from shared.decision.conditions.line import Mark, View
from shared.model.conditions.forecast import Forecast
from shared.model.quantity import Dimension
from shared.model.signal import Sample, measured
from shared.model.trigger import Comparator
from tests.unit.decision.build import at

_HOUR_S = 3_600
FULL = Forecast(
    signal="storage_gb",
    dimension=Dimension.NUMBER,
    comparator=Comparator.AT_LEAST,
    threshold=95.0,
    within=timedelta(days=2),
    fit=timedelta(hours=24),
)


def _hours(value: Callable[[float], float], hours: float, *, first: float = 0.0) -> list[Sample]:
    """Four samples an hour, after each quarter; `value` is given hours after noon."""
    quarters = range(int(4 * first) + 1, int(4 * hours) + 1)
    return [measured(at(quarter / 4 * _HOUR_S), value(quarter / 4)) for quarter in quarters]


def newest(samples: Sequence[Sample], condition: Forecast = FULL) -> Mark:
    return forecast.marks(condition, {"storage_gb": samples}, View(watermark=samples[-1].at))[-1]


def test_a_steady_rise_says_when_it_arrives() -> None:
    mark = newest(_hours(lambda hour: 80 + 0.25 * hour, 29))
    assert mark.violates is True
    assert forecast.said(FULL, mark) == "storage_gb 87.25 reaches 95 in 31 h (looked 2d ahead)"


@pytest.mark.parametrize(
    ("within_h", "violates"),
    [(30, False), (31.5, True)],
)
def test_how_far_it_is_looked_ahead_counts(within_h: float, violates: bool) -> None:
    condition = replace(FULL, within=timedelta(hours=within_h))
    assert newest(_hours(lambda hour: 80 + 0.25 * hour, 29), condition).violates is violates


def test_what_is_far_away_is_said_in_days_and_what_does_not_arrive_with_where_it_will_be() -> None:
    samples = _hours(lambda hour: 80 + 0.25 * hour, 24)
    week = replace(FULL, threshold=110.0, within=timedelta(days=7))
    assert forecast.said(week, newest(samples, week)) == "storage_gb 86 reaches 110 in 4 days (looked 7d ahead)"
    day = replace(FULL, within=timedelta(days=1))
    assert forecast.said(day, newest(samples, day)).startswith("storage_gb 86 does not reach 95: at 9")


def test_what_is_there_already_needs_no_trend() -> None:
    mark = newest([measured(at(0), 95.0)])
    assert mark.violates is True
    assert forecast.said(FULL, mark) == "storage_gb 95 >= 95 already"


def test_too_short_a_past_says_nothing() -> None:
    assert newest(_hours(lambda hour: 80 + hour, 12)).violates is None
    assert newest(_hours(lambda hour: 80 + hour / 2, 12.25)).violates is True
    said = forecast.said(FULL, newest(_hours(lambda hour: 80 + hour, 5)))
    assert said == "storage_gb 85 goes nobody knows where: fewer than 12 of 24 parts of 1d were seen"


def test_a_gap_in_the_past_is_no_trend_and_no_obstacle() -> None:
    samples = [s for s in _hours(lambda hour: 80 + 0.25 * hour, 29) if not at(8 * _HOUR_S) < s.at <= at(18 * _HOUR_S)]
    assert newest(samples).violates is True


def test_a_falling_reserve_reaches_a_limit_below() -> None:
    empty = replace(FULL, comparator=Comparator.BELOW, threshold=10.0)
    assert newest(_hours(lambda hour: 40 - 0.5 * hour, 26), empty).violates is True
    assert newest(_hours(lambda hour: 40 + 0.5 * hour, 26), empty).violates is False


def test_wild_points_do_not_turn_a_rise() -> None:
    wild = _hours(lambda hour: 5_000.0 if int(hour) % 10 == 0 else 80 + 0.25 * hour, 29)
    calm = _hours(lambda hour: 80 + 0.25 * hour, 29)
    known = {sample.at: sample for sample in wild} | {calm[-1].at: calm[-1]}
    mark = newest(list(known.values()))
    assert mark.violates is True
    assert "in 3" in mark.note


@pytest.mark.parametrize("ar", [0.0, 0.3, 0.6])
def test_noise_without_a_trend_hardly_ever_arrives(ar: float) -> None:
    """Forty days of noise, asked at every sample; the limit lies five deviations away."""
    chance = random.Random(int(ar * 10))
    level, values = 0.0, []
    for _ in range(40 * 96):
        level = ar * level + chance.gauss(0, (1 - ar**2) ** 0.5)
        values.append(90 + level)
    found = forecast.marks(FULL, {"storage_gb": _hours(lambda hour: values[int(hour * 4) - 1], 960)}, _ALL)
    arrived = sum(bool(mark.violates) and mark.value < FULL.threshold for mark in found)
    assert arrived <= 0.02 * len(found)


_ALL = View(watermark=at(1e9))


def test_every_mark_stands_on_the_parts_that_had_ended() -> None:
    """The last part, still under way, does not bend the line; the newest sample is said all the same."""
    samples = _hours(lambda hour: 80 + 0.25 * hour, 28)
    jump = measured(at(28.5 * _HOUR_S), 94.0)
    assert newest([*samples, jump]).note == newest([*samples, replace(jump, value=88.0)]).note


_points = st.lists(st.tuples(st.integers(0, 23), st.floats(-100, 100)), min_size=12, unique_by=lambda p: p[0]).map(
    sorted
)


@given(_points)
def test_the_slope_is_that_of_theil_and_sen_wherever_it_is_one(points: list[tuple[int, float]]) -> None:
    line = fitted(points)
    expected = stats.theilslopes([y for _, y in points], [x for x, _ in points]).slope
    assert line.slope in (0.0, pytest.approx(expected))


@given(st.lists(st.integers(0, 6), min_size=12, max_size=24))
def test_there_is_a_slope_where_the_signs_say_so(values: list[int]) -> None:
    """Kendall's tau-b of scipy has the same sum of signs; its normal approximation lacks the continuity of one."""
    points = [(place, float(value)) for place, value in enumerate(values)]
    s = sum((b > a) - (b < a) for i, a in enumerate(values) for b in values[i + 1 :])
    n = len(values)
    ties = [values.count(value) for value in set(values)]
    variance = (n * (n - 1) * (2 * n + 5) - sum(t * (t - 1) * (2 * t + 5) for t in ties)) / 18
    p = stats.kendalltau(range(n), values, method="asymptotic").pvalue if len(ties) > 1 else 1.0
    z = stats.norm.isf(p / 2)
    assert variance == 0 or abs(s) / variance**0.5 == pytest.approx(z, abs=1e-6)
    significant = variance > 0 and (abs(s) - 1) / variance**0.5 >= 3.0
    medians = stats.theilslopes(values, range(n)).slope
    assert fitted(points).slope == (pytest.approx(medians) if significant else 0.0)
