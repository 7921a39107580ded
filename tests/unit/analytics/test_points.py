"""Points for a chart: peaks survive, gaps stay gaps."""

from datetime import timedelta

import pytest

from shared.analytics.buckets import Buckets, Grain, buckets_of
from shared.analytics.points import chart_of
from shared.analytics.ranges import Range
from shared.analytics.uptime import Uptime
from shared.model.signal import failed, measured
from tests.fakes.clock import NOON

DAY = Range(since=NOON - timedelta(hours=24), until=NOON, written="24h")


def a_day(*, gap: range = range(0)) -> Buckets:
    """A value a minute, all 1 but one peak of 100, and nothing in the gap."""
    minutes = [ago for ago in range(1, 1_441) if ago not in gap]
    samples = [measured(NOON - timedelta(minutes=ago), 100.0 if ago == 700 else 1.0) for ago in minutes]
    return buckets_of({"p95": samples}, {Grain.MINUTE.start(one.at): Uptime(up_s=60) for one in samples})[Grain.MINUTE]


def test_a_day_of_minutes_is_drawn_in_steps_of_three_and_keeps_its_peak() -> None:
    chart = chart_of(a_day(), Grain.MINUTE, DAY, ["p95"])
    line = chart.lines["p95"]
    assert (chart.step_s, len(chart.at)) == (180, 480)
    assert max(high for high in line.high if high is not None) == 100.0
    assert set(line.count) == {3}
    assert sum(1 for mean in line.mean if mean == pytest.approx(34.0)) == 1


def test_a_gap_stays_a_gap() -> None:
    line = chart_of(a_day(gap=range(61, 91)), Grain.MINUTE, DAY, ["p95"]).lines["p95"]
    missing = [place for place, mean in enumerate(line.mean) if mean is None]
    assert len(missing) == 10
    assert missing == list(range(missing[0], missing[0] + 10))
    assert {line.count[place] for place in missing} == {0}


def test_what_could_not_be_measured_is_a_gap_that_says_so() -> None:
    found = buckets_of({"p95": [failed(NOON - timedelta(minutes=5), "no answer")]}, {})
    hour = Range(since=NOON - timedelta(hours=1), until=NOON, written="1h")
    chart = chart_of(found[Grain.MINUTE], Grain.MINUTE, hour, ["p95"])
    line = chart.lines["p95"]
    assert set(line.mean) == {None}
    assert sum(line.missed) == 1
    assert set(chart.up) == {None}


def test_a_signal_of_which_nothing_is_known_has_a_line_of_gaps() -> None:
    chart = chart_of({}, Grain.MINUTE, DAY, ["p95"])
    assert set(chart.lines["p95"].mean) == {None}
