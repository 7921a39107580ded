"""Samples never carry a made-up value, and a series is the same however its samples arrived."""

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.signal import Outcome, Sample, Series, failed, measured, merge, no_data

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def _at(seconds: int) -> datetime:
    return NOON + timedelta(seconds=seconds)


samples = st.one_of(
    st.builds(
        lambda second, value, name: measured(_at(second), value, 5, sample_id=name),
        st.integers(0, 8),
        st.sampled_from([0.0, 0.5, 1.0]),
        st.sampled_from(["", "a"]),
    ),
    st.builds(lambda second: no_data(_at(second), "nothing"), st.integers(0, 8)),
    st.builds(lambda second: failed(_at(second), "refused"), st.integers(0, 8)),
)


def _told(arrived: list[Sample]) -> dict[tuple[datetime, str], Sample]:
    """Return what stands at last: the latest measurement of an identity, or else its latest word."""
    stands: dict[tuple[datetime, str], Sample] = {}
    for key in {(s.at, s.id) for s in arrived}:
        words = [s for s in arrived if (s.at, s.id) == key]
        stands[key] = ([s for s in words if s.outcome is Outcome.MEASURED] or words)[-1]
    return stands


def _one_by_one(arrived: list[Sample]) -> Series:
    series: Series = ()
    for sample in arrived:
        series = merge(series, [sample], now=_at(60), keep=HOUR)
    return series


@given(st.lists(samples, max_size=20))
def test_the_latest_measurement_of_an_identity_stands_and_no_silence_takes_it_away(arrived: list[Sample]) -> None:
    series = merge((), arrived, now=_at(60), keep=HOUR)
    assert {(s.at, s.id): s for s in series} == _told(arrived)
    assert len(series) == len(_told(arrived))


@given(st.lists(samples, max_size=20))
def test_merging_one_by_one_is_merging_at_once(arrived: list[Sample]) -> None:
    assert _one_by_one(arrived) == merge((), arrived, now=_at(60), keep=HOUR)


@given(st.lists(samples, max_size=12), st.lists(samples, max_size=12))
def test_merging_the_same_again_changes_nothing(first: list[Sample], then: list[Sample]) -> None:
    series = merge(merge((), first, now=_at(60), keep=HOUR), then, now=_at(60), keep=HOUR)
    assert merge(series, series, now=_at(60), keep=HOUR) == series
    assert merge(series, (), now=_at(60), keep=HOUR) == series


@given(st.lists(samples, unique_by=lambda s: (s.at, s.id), max_size=20).flatmap(st.permutations))
def test_a_series_stands_in_event_time_order_however_it_arrived(arrived: list[Sample]) -> None:
    series = _one_by_one(arrived)
    assert list(series) == sorted(arrived, key=lambda s: (s.at, s.id))


def test_an_error_after_a_measurement_of_the_same_moment_is_dropped() -> None:
    known = measured(NOON, 0.5)
    assert merge((known,), [failed(NOON, "refused")], now=NOON, keep=HOUR) == (known,)
    assert merge((known,), [no_data(NOON, "nothing")], now=NOON, keep=HOUR) == (known,)


def test_a_measurement_replaces_an_error_and_an_earlier_measurement() -> None:
    newer = measured(NOON, 0.25)
    assert merge((failed(NOON, "refused"),), [newer], now=NOON, keep=HOUR) == (newer,)
    assert merge((measured(NOON, 0.5),), [newer], now=NOON, keep=HOUR) == (newer,)


def test_samples_with_another_id_stand_beside_each_other() -> None:
    both = (measured(NOON, 0.5, sample_id="a"), measured(NOON, 0.5, sample_id="b"))
    assert merge((), both, now=NOON, keep=HOUR) == both


def test_a_sample_is_dropped_when_it_is_as_old_as_what_is_kept() -> None:
    old, kept = measured(NOON, 1.0), measured(NOON + timedelta(microseconds=1), 1.0)
    assert merge((old, kept), (), now=NOON + HOUR, keep=HOUR) == (kept,)


def test_the_oldest_beyond_two_thousand_are_dropped() -> None:
    many = [measured(_at(second), 1.0) for second in range(2_001)]
    assert merge((), many, now=_at(2_001), keep=HOUR) == tuple(many[1:])


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_an_error_and_says_so(value: float) -> None:
    sample = measured(NOON, value, 20)
    assert (sample.outcome, sample.value, sample.count) == (Outcome.ERROR, None, 0)
    assert str(value) in sample.note


@pytest.mark.parametrize("count", [0, -1])
def test_a_value_that_stands_on_nothing_is_no_data(count: int) -> None:
    sample = measured(NOON, 0.0, count)
    assert (sample.outcome, sample.value, sample.count) == (Outcome.NO_DATA, None, 0)


@pytest.mark.parametrize(
    ("outcome", "value"),
    [
        (Outcome.MEASURED, None),
        (Outcome.NO_DATA, 0.0),
        (Outcome.ERROR, 0.0),
        (Outcome.MEASURED, math.nan),
        (Outcome.MEASURED, math.inf),
    ],
)
def test_a_sample_with_a_made_up_value_cannot_be_built(outcome: Outcome, value: float | None) -> None:
    with pytest.raises(ValueError, match="value"):
        Sample(NOON, outcome, value)
