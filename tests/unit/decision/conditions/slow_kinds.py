"""Conditions that look at long times, made short, for the laws that every kind obeys."""

from datetime import timedelta

from hypothesis import strategies as st

from shared.model.conditions.burn import Burn
from shared.model.conditions.deviation import Deviation, Worse
from shared.model.conditions.forecast import Forecast
from shared.model.conditions.pace import Pace
from shared.model.conditions.trend import Trend
from shared.model.quantity import Dimension
from shared.model.signal import Sample, measured
from shared.model.trigger import Comparator
from tests.unit.decision.build import at

_DAY_S = 86_400


def _spans(least: int, most: int) -> st.SearchStrategy[timedelta]:
    return st.integers(least, most).map(lambda amount: timedelta(seconds=amount))


def _paces(every_s: int = 1, patience_s: int = 6) -> st.SearchStrategy[Pace]:
    return st.builds(Pace, every=_spans(every_s, 2 * every_s), patience=_spans(2 * every_s, patience_s))


trends = st.builds(
    Trend,
    signal=st.just("watched"),
    dimension=st.sampled_from(Dimension),
    falls=st.booleans(),
    by=st.sampled_from([0.1, 0.5, 1.0]),
    at_least_by=st.sampled_from([0.0, 0.25]),
    over=_spans(2, 12),
    least=st.sampled_from([1, 5]),
    pace=_paces(),
)
burns = st.builds(
    Burn,
    signal=st.just("watched"),
    objective=st.sampled_from([0.5, 0.9, 0.99]),
    rate=st.sampled_from([1.0, 3.0, 14.4]),
    long=_spans(8, 20),
    short=_spans(1, 6),
    pace=_paces(),
)
forecasts = st.builds(
    Forecast,
    signal=st.just("watched"),
    dimension=st.sampled_from(Dimension),
    comparator=st.sampled_from(Comparator),
    threshold=st.sampled_from([0.25, 0.75, 2.0]),
    within=_spans(1, 60),
    fit=st.sampled_from([timedelta(seconds=24), timedelta(seconds=31)]),
)
deviations = st.builds(
    Deviation,
    signal=st.just("watched"),
    dimension=st.sampled_from(Dimension),
    by=st.sampled_from([0.1, 0.5]),
    at_least_by=st.sampled_from([0.0, 0.25]),
    worse=st.sampled_from(Worse),
    over=_spans(3_600, _DAY_S),
    days=st.sampled_from([0, 2, 3]),
    pace=_paces(3_600, 7_200),
    planned=st.just(""),
    planned_for=_spans(1_800, _DAY_S),
).flatmap(lambda one: st.just(one) if one.days else st.just(_against_a_plan(one)))


def _against_a_plan(one: Deviation) -> Deviation:
    return Deviation(**{field: getattr(one, field) for field in one.__slots__} | {"planned": "plan"})


DAYS_S = 5 * _DAY_S


@st.composite
def hourly(draw: st.DrawFn) -> list[Sample]:
    """Some days of about one sample every three hours, in no order."""
    hours = draw(st.lists(st.integers(0, DAYS_S // 3_600), unique=True, max_size=40))
    values = st.sampled_from([0.0, 0.5, 0.75, 1.0, 2.0])
    return [measured(at(hour * 3_600), draw(values), draw(st.sampled_from([1, 5]))) for hour in hours]


@st.composite
def steady(draw: st.DrawFn) -> list[Sample]:
    """A sample for most seconds of a minute, which goes up or stays where it is, in no order."""
    rise = draw(st.sampled_from([-0.02, 0.0, 0.01, 0.02]))
    moments = draw(st.lists(st.integers(0, 60), unique=True, min_size=20, max_size=60))
    return [measured(at(second), 0.5 + rise * second + draw(st.sampled_from([0.0, 0.01])), 1) for second in moments]
