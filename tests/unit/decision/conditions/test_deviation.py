"""A deviation: off by just as much is not off, the plan or the days before say what was expected."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.decision.conditions import deviation
from shared.decision.conditions.line import Mark, View
from shared.model.conditions.deviation import Deviation, Worse
from shared.model.conditions.pace import Pace
from shared.model.quantity import Dimension
from shared.model.signal import Sample, measured
from tests.unit.decision.build import at

_HOUR_S, _DAY_S = 3_600, 86_400
OFF = Deviation(
    signal="cost_per_job",
    dimension=Dimension.NUMBER,
    by=0.25,
    at_least_by=0.0,
    worse=Worse.BOTH,
    over=timedelta(hours=1),
    days=7,
    pace=Pace(every=timedelta(hours=1), patience=timedelta(hours=3)),
)
PLANNED = replace(OFF, days=0, planned="planned_cost", planned_for=timedelta(days=2))


def _hourly(usual: Sequence[float], now: float) -> list[Sample]:
    """A day of each usual value, then an hour of the one that is judged."""
    values = [value for value in usual for _ in range(24)]
    hours = [measured(at(hour * _HOUR_S), value) for hour, value in enumerate(values)]
    return [*hours, measured(at(len(values) * _HOUR_S), now)]


def newest(condition: Deviation, samples: Sequence[Sample], plan: Sequence[Sample] = ()) -> Mark:
    inputs = {"cost_per_job": samples, "planned_cost": plan}
    return deviation.marks(condition, inputs, View(watermark=samples[-1].at))[-1]


def _floor(amount: float) -> Deviation:
    return replace(OFF, at_least_by=amount)


CASES = [
    pytest.param(OFF, [0.4] * 7, 0.5, False, id="by just as much is not off"),
    pytest.param(OFF, [0.4] * 7, 0.501, True, id="by more is"),
    pytest.param(OFF, [0.4] * 7, 0.3, False, id="down by just as much"),
    pytest.param(OFF, [0.4] * 7, 0.299, True, id="down by more"),
    pytest.param(replace(OFF, worse=Worse.UP), [0.4] * 7, 0.1, False, id="cheaper is not worse"),
    pytest.param(replace(OFF, worse=Worse.UP), [0.4] * 7, 0.6, True, id="dearer is"),
    pytest.param(replace(OFF, worse=Worse.DOWN), [0.4] * 7, 0.6, False, id="faster is not worse"),
    pytest.param(replace(OFF, worse=Worse.DOWN), [0.4] * 7, 0.1, True, id="slower is"),
    pytest.param(OFF, [0.4, 9.0, 0.4, 0.4, 0.4, 9.0, 0.4], 0.45, False, id="two wild days of seven move no median"),
    pytest.param(_floor(0.5), [0.4] * 7, 0.9, False, id="a share of little is little"),
    pytest.param(_floor(0.5), [0.4] * 7, 0.91, True, id="more than that is not"),
    pytest.param(OFF, [0.0] * 7, 0.001, True, id="anything is off nothing"),
    pytest.param(OFF, [0.4] * 3, 9.0, None, id="three days of seven are too few"),
    pytest.param(OFF, [0.4] * 4, 9.0, True, id="four are enough"),
]


@pytest.mark.parametrize(("condition", "usual", "now", "violates"), CASES)
def test_a_cost_is_off_what_it_used_to_be(
    condition: Deviation, usual: Sequence[float], now: float, violates: bool | None
) -> None:
    assert newest(condition, _hourly(usual, now)).violates is violates


def test_only_the_same_time_of_day_counts() -> None:
    """Nights are cheap: what is usual at noon is off at midnight."""
    day = [measured(at(hour * _HOUR_S), 1.0 if hour % 24 < 12 else 4.0) for hour in range(7 * 24)]
    assert newest(OFF, [*day, measured(at(7 * _DAY_S), 1.0)]).violates is False
    assert newest(OFF, [*day, measured(at(7 * _DAY_S), 4.0)]).violates is True


PLANS = [
    pytest.param([(0, 0.02)], 0.025, False, id="by just as much"),
    pytest.param([(0, 0.02)], 0.0251, True, id="by more"),
    pytest.param([(0, 0.01), (_HOUR_S, 0.02)], 0.025, False, id="the newest plan counts"),
    pytest.param([(0, 0.02), (3 * _HOUR_S, 9.0)], 0.025, False, id="not one of tomorrow"),
    pytest.param([(-2 * _DAY_S, 0.02)], 0.9, None, id="no plan stands for ever"),
    pytest.param([], 0.9, None, id="no plan"),
]


@pytest.mark.parametrize(("plan", "now", "violates"), PLANS)
def test_a_cost_is_off_its_plan(plan: Sequence[tuple[int, float]], now: float, violates: bool | None) -> None:
    planned = [measured(at(moment), value) for moment, value in plan]
    assert newest(PLANNED, [measured(at(2 * _HOUR_S), now)], planned).violates is violates


SENTENCES = [
    (OFF, 0.031, 0.02, "cost_per_job 0.031: 55 % above planned_cost 0.02 (allowed 25 %)"),
    (OFF, 0.019, 0.02, "cost_per_job 0.019: 5 % below planned_cost 0.02 (allowed 25 %)"),
    (_floor(0.5), 0.031, 0.0, "cost_per_job 0.031: above planned_cost 0 (allowed 25 % and 0.5)"),
]


@pytest.mark.parametrize(("condition", "now", "planned", "sentence"), SENTENCES)
def test_a_deviation_says(condition: Deviation, now: float, planned: float, sentence: str) -> None:
    against = replace(condition, days=0, planned="planned_cost", planned_for=timedelta(days=2))
    mark = newest(against, [measured(at(0), now)], [measured(at(0), planned)])
    assert deviation.said(against, mark) == sentence


def test_what_used_to_be_is_said_with_its_days_and_what_is_not_known_with_the_reason() -> None:
    mark = newest(OFF, _hourly([0.4] * 7, 0.6))
    said = "cost_per_job 0.6: 50 % above the median of this time on 7 days before, 0.4 (allowed 25 %)"
    assert deviation.said(OFF, mark) == said
    unknown = newest(OFF, [measured(at(0), 0.6)])
    why = "this time of day is known of fewer than half of 7 days"
    assert deviation.said(OFF, unknown) == f"cost_per_job cannot be compared: {why}"
