"""Trends and anomalies at their boundaries."""

from datetime import timedelta
from statistics import mean, stdev

import pytest

from shared.analytics.rollup import Rollup, roll_up
from shared.analytics.trends import Direction, Severity, anomalies_of, trend_of
from shared.model.signal import measured
from tests.fakes.clock import NOON

MOMENTS = [NOON + timedelta(minutes=minute) for minute in range(40)]


def steady(value: float, samples: int = 10) -> Rollup:
    return roll_up(measured(moment, value) for moment in MOMENTS[:samples])


@pytest.mark.parametrize(
    ("now", "before", "direction", "change"),
    [
        (105.0, 100.0, Direction.FLAT, 0.05),
        (105.1, 100.0, Direction.UP, 0.051),
        (95.0, 100.0, Direction.FLAT, -0.05),
        (94.9, 100.0, Direction.DOWN, -0.051),
        (0.0, 0.0, Direction.FLAT, None),
        (0.1, 0.0, Direction.UP, None),
        (-1.0, 0.0, Direction.DOWN, None),
        (-90.0, -100.0, Direction.UP, 0.1),
    ],
)
def test_within_five_per_cent_is_flat(now: float, before: float, direction: Direction, change: float | None) -> None:
    found = trend_of(steady(now), steady(before))
    assert found.direction is direction
    assert found.change == (None if change is None else pytest.approx(change))


@pytest.mark.parametrize(("now", "before"), [(9, 10), (10, 9), (0, 10), (10, 0)])
def test_fewer_than_ten_samples_say_nothing(now: int, before: int) -> None:
    assert trend_of(steady(2.0, now), steady(1.0, before)).direction is Direction.UNKNOWN


@pytest.mark.parametrize(
    ("now", "before", "steep"), [(1.5, 1.0, False), (1.51, 1.0, True), (0.1, 0.0, True), (0.4, 1.0, False)]
)
def test_more_than_half_is_steep(now: float, before: float, steep: bool) -> None:
    assert trend_of(steady(now), steady(before)).is_steep is steep


def line(*odd: tuple[int, float]) -> list[float | None]:
    """A line that goes from 9 to 11 and back, with some odd points."""
    values: list[float | None] = [9.0 if minute % 2 else 11.0 for minute in range(40)]
    for place, value in odd:
        values[place] = value
    return values


def test_two_standard_deviations_are_unusual_and_three_are_extreme() -> None:
    found = anomalies_of(MOMENTS, line((7, 12.9), (20, 30.0)))
    assert [(one.at, one.severity) for one in found] == [(MOMENTS[20], Severity.HIGH)]
    assert found[0].sigmas > 3
    mild = anomalies_of(MOMENTS, line((7, 13.0)))
    assert [(one.at, one.severity) for one in mild] == [(MOMENTS[7], Severity.MEDIUM)]


def sigmas(value: float) -> float:
    """How far a value would be from the rest of the line."""
    values = [one for one in line((7, value)) if one is not None]
    return abs(value - mean(values)) / stdev(values)


@pytest.mark.parametrize(("least", "unusual"), [(1.98, 0), (2.01, 1)])
def test_the_boundary_is_two(least: float, unusual: int) -> None:
    value = next(11 + step / 1000 for step in range(5_000) if sigmas(11 + step / 1000) >= least)
    assert len(anomalies_of(MOMENTS, line((7, value)))) == unusual


def test_with_a_scale_high_is_its_upper_tenth() -> None:
    low, high = (anomalies_of(MOMENTS, line((5, value)), high_above=90.0)[0] for value in (90.0, 90.5))
    assert (low.severity, high.severity) == (Severity.MEDIUM, Severity.HIGH)


def test_a_dip_is_unusual_too() -> None:
    (found,) = anomalies_of(MOMENTS, line((5, 0.0)))
    assert found.sigmas < -2


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([5.0] * 40, id="flat"),
        pytest.param([0.1 + 0.2, 0.3] * 20, id="flat but for rounding"),
        pytest.param([None] * 40, id="nothing"),
        pytest.param([*[None] * 31, *[1.0] * 8, 99.0], id="too little"),
        pytest.param(line(), id="within two"),
    ],
)
def test_nothing_unusual(values: list[float | None]) -> None:
    assert anomalies_of(MOMENTS, values) == []
