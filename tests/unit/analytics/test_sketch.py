"""The sketch: within two per cent, and merged in whatever order the same."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from shared.analytics.sketch import ACCURACY, MOST_BINS, Sketch, merged_sketches, quantile, sketch_of

VALUES = st.floats(-1e6, 1e6).map(lambda value: 0.0 if abs(value) < 1e-3 else value)
WEIGHED = st.tuples(VALUES, st.integers(1, 5))
MANY = st.lists(WEIGHED, min_size=1, max_size=80)


def expanded(weighed: Sequence[tuple[float, int]]) -> list[float]:
    return sorted(value for value, count in weighed for _ in range(count))


@given(MANY, st.floats(0, 1))
def test_a_percentile_is_within_two_per_cent_of_a_value_of_that_rank(
    weighed: list[tuple[float, int]], share: float
) -> None:
    values = expanded(weighed)
    found = quantile(sketch_of(weighed), share)
    assert found is not None
    rank = share * (len(values) - 1)
    near = {values[min(max(int(rank) + offset, 0), len(values) - 1)] for offset in (0, 1)}
    assert any(abs(found - value) <= ACCURACY * abs(value) * (1 + 1e-9) for value in near), (found, near)


@given(st.lists(MANY, min_size=1, max_size=5), st.randoms())
def test_the_sketch_of_the_parts_is_that_of_the_whole_in_any_order(
    parts: list[list[tuple[float, int]]],
    random: "st.random.Random",  # type: ignore[name-defined]  # what it yields
) -> None:
    whole = sketch_of([one for part in parts for one in part])
    sketches = [sketch_of(part) for part in parts]
    random.shuffle(sketches)
    assert merged_sketches(sketches) == whole


@given(st.lists(st.dictionaries(st.integers(-1500, 1500), st.integers(1, 9), max_size=400), min_size=3, max_size=3))
def test_merging_is_associative_also_where_bins_are_given_up(bins: list[dict[int, int]]) -> None:
    one, two, three = (merged_sketches([Sketch(above=some)]) for some in bins)
    left = merged_sketches([merged_sketches([one, two]), three])
    right = merged_sketches([one, merged_sketches([three, two])])
    assert left == right
    assert len(left.above) <= MOST_BINS
    assert sum(left.above.values()) == sum(sum(some.values()) for some in bins)


def test_nothing_has_no_percentile() -> None:
    assert quantile(Sketch(), 0.5) is None


def test_values_that_are_out_of_all_reason_take_no_more_room_than_others() -> None:
    extreme = sketch_of([(1e308, 1), (-1e308, 1), (5e-324, 1), (1e15, 10**9)])
    assert extreme.zeros == 1
    found = quantile(extreme, 0.5)
    assert found is not None
    assert abs(found - 1e15) <= ACCURACY * 1e15


def test_beyond_the_most_bins_what_is_nearest_to_zero_is_told_apart_no_more() -> None:
    found = merged_sketches([Sketch(above=dict.fromkeys(range(700), 2))])
    assert (min(found.above), max(found.above), len(found.above)) == (400, 699, MOST_BINS)
    assert found.above[400] == 2 * 401
    assert sum(found.above.values()) == 1_400
