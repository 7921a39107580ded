"""Roll-ups: those of the parts make that of the whole, and nothing that was not measured counts as zero."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.analytics.errors import Category
from shared.analytics.rollup import NOTHING, Rollup, merged, merged_by_signal, roll_up
from shared.model.signal import Sample, failed, measured, no_data

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


SAMPLES = st.one_of(
    st.builds(
        lambda s, value, count: measured(at(s), value, count),
        st.integers(0, 999),
        st.floats(-1e6, 1e6),
        st.integers(1, 50),
    ),
    st.builds(lambda s: no_data(at(s), "nothing"), st.integers(0, 999)),
    st.builds(lambda s: failed(at(s), "connection refused"), st.integers(0, 999)),
)
PARTS = st.lists(st.lists(SAMPLES, max_size=12), min_size=1, max_size=4)


def same(one: Rollup, other: Rollup) -> bool:
    """Equal but for the rounding of a sum of doubles."""
    figures = [(r.measured, r.no_data, r.error, r.count, r.low, r.high, r.sketch, r.errors) for r in (one, other)]
    return figures[0] == figures[1] and one.total == pytest.approx(other.total, rel=1e-9, abs=1e-3)


@given(PARTS)
def test_the_roll_ups_of_the_parts_make_that_of_the_whole(parts: list[list[Sample]]) -> None:
    assert same(merged(map(roll_up, parts)), roll_up([sample for part in parts for sample in part]))


@given(st.lists(SAMPLES, max_size=8), st.lists(SAMPLES, max_size=8), st.lists(SAMPLES, max_size=8))
def test_merging_is_commutative_and_associative_and_nothing_adds_nothing(
    one: list[Sample], two: list[Sample], three: list[Sample]
) -> None:
    a, b, c = map(roll_up, (one, two, three))
    assert same(merged([a, b]), merged([b, a]))
    assert same(merged([merged([a, b]), c]), merged([a, merged([b, c])]))
    assert same(merged([a, NOTHING]), a)


def test_what_was_not_measured_is_no_zero() -> None:
    found = roll_up([no_data(at(0), "empty"), failed(at(1), "429 too many requests"), measured(at(2), 4.0, 3)])
    assert (found.measured, found.no_data, found.error) == (1, 1, 1)
    assert (found.mean, found.low, found.high, found.count) == (4.0, 4.0, 4.0, 3)
    assert found.errors == {Category.RATE_LIMIT: 1}
    blind = roll_up([no_data(at(0), "empty")])
    assert (blind.mean, blind.low, blind.percentile(0.5)) == (None, None, None)


def test_the_mean_is_that_of_observations() -> None:
    found = roll_up([measured(at(0), 1.0, 1), measured(at(1), 0.0, 99)])
    assert found.mean == 0.01
    assert found.percentile(0.5) == 0.0


def test_a_percentile_never_leaves_what_was_measured() -> None:
    found = roll_up([measured(at(second), 100.0) for second in range(20)])
    assert [found.percentile(share) for share in (0.0, 0.5, 1.0)] == [100.0] * 3


def test_signals_stay_apart() -> None:
    one, two = ({"a": roll_up([measured(at(0), 1.0)])}, {"a": roll_up([measured(at(1), 3.0)]), "b": NOTHING})
    found = merged_by_signal([one, two])
    assert found["a"].mean == 2.0
    assert found["b"] == NOTHING
