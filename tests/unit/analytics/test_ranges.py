"""Ranges: what callers may write, how finely it is shown, and never more than 500 points."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.analytics.buckets import Grain, Retention
from shared.analytics.ranges import MOST_POINTS, Range, grain_of, grain_of_comparison, read_range, slots_of, step_of
from shared.errors import InvalidInput
from tests.fakes.clock import NOON

KEPT = Retention()


@pytest.mark.parametrize(("written", "hours"), [("1h", 1), ("24h", 24), ("7d", 168)])
def test_a_span_ends_now(written: str, hours: int) -> None:
    found = read_range(written, NOON, KEPT)
    assert (found.until, found.span) == (NOON, timedelta(hours=hours))
    assert found.before.until == found.since
    assert found.before.span == found.span


def test_an_interval_ends_at_the_latest_now() -> None:
    found = read_range("2026-03-01T10:00:00Z/2026-03-01T12:02Z", NOON, KEPT)
    assert (found.since, found.until) == (NOON - timedelta(hours=2), NOON)


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("", "expected 1h, 24h, 7d, or FROM/TO in UTC"),
        ("2h", "expected 1h, 24h, 7d, or FROM/TO in UTC"),
        ("2026-03-01T10:00:00Z", "expected 1h"),
        ("2026-03-01/2026-03-02", "expected 1h"),
        ("2026-03-01T10:00:00/2026-03-01T11:00:00", "in UTC"),
        ("2026-03-01T10:00:00+02:00/2026-03-01T11:00:00+02:00", "in UTC"),
        ("2026-02-30T10:00:00Z/2026-03-01T11:00:00Z", "expected 1h"),
        ("2026-03-01T10:00:00Z/2026-03-01T11:00:00Z/x", "expected 1h"),
        ("2026-03-01T11:00:00Z/2026-03-01T10:00:00Z", "at least a minute before TO"),
        ("2026-03-01T11:00:00Z/2026-03-01T11:00:00Z", "at least a minute before TO"),
        ("2026-03-01T11:00:00Z/2026-03-01T13:00:00Z", "TO lies ahead; expected at most 2026-03-01T12:00:00Z"),
        ("2025-11-01T00:00:00Z/2025-11-02T00:00:00Z", "kept, 90d; expected at least 2025-12-01T12:00:00Z"),
        ("٢٠٢٦-03-01T10:00:00Z/2026-03-01T11:00:00Z", "expected 1h"),
    ],
)
def test_a_bad_range_is_refused_and_says_what_is_allowed(written: str, says: str) -> None:
    with pytest.raises(InvalidInput, match="range: ") as refused:
        read_range(written, NOON, KEPT)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("since_h", "until_h", "shown", "compared"),
    [
        pytest.param(1, 0, Grain.MINUTE, Grain.MINUTE, id="1h"),
        pytest.param(24, 0, Grain.MINUTE, Grain.HOUR, id="24h: the day before by the hour"),
        pytest.param(168, 0, Grain.HOUR, Grain.HOUR, id="7d"),
        pytest.param(60, 59, Grain.HOUR, Grain.HOUR, id="an hour whose minutes are gone"),
        pytest.param(240, 0, Grain.HOUR, Grain.DAY, id="10d: those before by the day"),
        pytest.param(500, 499, Grain.DAY, Grain.DAY, id="an hour of long ago is a day"),
    ],
)
def test_the_finest_that_is_kept_is_shown(since_h: int, until_h: int, shown: Grain, compared: Grain) -> None:
    hour = timedelta(hours=1)
    found = Range(since=NOON - since_h * hour, until=NOON - until_h * hour, written="")
    assert grain_of(found, NOON, KEPT) is shown
    assert grain_of_comparison(found, NOON, KEPT) is compared


@given(st.integers(60, 90 * 86_400), st.integers(0, 90 * 86_400))
def test_no_range_has_more_than_500_points_and_they_cover_it(span_s: int, age_s: int) -> None:
    until = NOON - timedelta(seconds=min(age_s, 90 * 86_400 - span_s))
    found = Range(since=until - timedelta(seconds=span_s), until=until, written="")
    grain = grain_of(found, NOON, KEPT)
    step_s = step_of(found, grain)
    slots = slots_of(found, step_s)
    assert 1 <= len(slots) <= MOST_POINTS
    assert step_s % grain.width_s == 0
    assert slots[0] <= found.since.timestamp()
    assert slots[-1] + step_s >= found.until.timestamp()


@pytest.mark.parametrize(("minutes", "step_s"), [(500, 60), (501, 120), (1_000, 120), (1_001, 180)])
def test_500_points_are_not_too_many(minutes: int, step_s: int) -> None:
    found = Range(since=NOON - timedelta(minutes=minutes), until=NOON, written="")
    assert step_of(found, Grain.MINUTE) == step_s
