"""What is made fast says the same as its plain form, and what is not wanted changes nothing of what is."""

from collections.abc import Sequence
from datetime import timedelta
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.decision.assess import Seen, assess, reading_of
from shared.decision.conditions import kind_of
from shared.decision.conditions.beta import upper_bound
from shared.decision.conditions.decimals import Limit, quotient, written
from shared.decision.conditions.line import View
from shared.decision.conditions.pools import pools
from shared.model.conditions.before import Before
from shared.model.conditions.concurrent import Concurrent
from shared.model.quantity import Dimension
from shared.model.signal import Sample, Series, measured, merge
from shared.model.trigger import Bound, Comparator, RollbackTrigger
from tests.unit.decision.build import NOON, at, seconds, trigger
from tests.unit.decision.conditions import plain_forms
from tests.unit.decision.conditions.test_laws import PLAYED, stories
from tests.unit.decision.strategies import histories

pytestmark = pytest.mark.long

_NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
_DECIMALS = st.sampled_from([0.05, 0.1, 0.1, 0.2, 0.3, 0.15, 1e-7, 3.0, 420.123456789, 1e22])
_LINES = st.lists(st.tuples(st.integers(0, 30), _DECIMALS, st.sampled_from([1, 3, 20])), min_size=1, max_size=12)


@given(_NUMBERS)
def test_a_float_stands_for_the_decimal_number_that_it_is_written_as(value: float) -> None:
    digits, places = written(value)
    assert Fraction(digits, 10**places) == Fraction(repr(value))


@given(st.integers(-(10**400), 10**400), st.integers(10**100, 10**400))
def test_a_quotient_is_the_nearest_float(top: int, bottom: int) -> None:
    assert quotient(top, bottom) == float(Fraction(top, bottom))


@pytest.mark.parametrize(("top", "nearest"), [(10**400, float("inf")), (-(10**400), float("-inf"))])
def test_a_quotient_beyond_all_floats_is_infinite(top: int, nearest: float) -> None:
    assert quotient(top, 1) == nearest


@given(_LINES, st.sampled_from(Dimension), st.integers(1, 15).map(lambda s: timedelta(seconds=s)), _DECIMALS)
def test_pools_are_those_of_exact_fractions(
    drawn: Sequence[tuple[int, float, int]], dimension: Dimension, over: timedelta, limit: float
) -> None:
    line = [measured(at(s), value, count, sample_id=str(place)) for place, (s, value, count) in enumerate(drawn)]
    line.sort(key=lambda sample: sample.at)
    last = {sample.at: sample for sample in line}
    for pool, sample in zip(pools(line, over, dimension), last.values(), strict=True):
        mean = plain_forms.mean(sample, line, over, dimension)
        off = mean - Fraction(repr(limit))
        assert pool.mean == float(mean)
        assert (pool.against(Limit.of(limit)) > 0, pool.against(Limit.of(limit)) < 0) == (off > 0, off < 0)


@settings(max_examples=40)
@given(st.floats(1, 1e6), st.floats(0, 0.9), st.floats(1e-9, 0.4))
def test_the_upper_bound_is_found_as_by_halving(of: float, rate: float, chance: float) -> None:
    expected = plain_forms.upper_bound(of * rate, of, chance)
    assert upper_bound(of * rate, of, chance) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("name", PLAYED)
@settings(max_examples=60)
@given(data=st.data())
def test_marks_that_are_not_wanted_change_nothing_of_the_others(name: str, data: st.DataObject) -> None:
    story = data.draw(stories(PLAYED[name]))
    inputs = {name: sorted(found, key=lambda s: (s.at, s.id)) for name, found in story.inputs.items()}
    whole = View(watermark=story.end, change_started=story.change_started, watched_since=story.watched_since)
    wanted = View(
        watermark=story.end,
        change_started=story.change_started,
        watched_since=story.watched_since,
        since=story.cut,
    )
    marks = kind_of(story.condition).marks
    later = [mark for mark in marks(story.condition, inputs, wanted) if mark.at > story.cut]
    assert later == [mark for mark in marks(story.condition, inputs, whole) if mark.at > story.cut]


def _lingering(over: timedelta, clears_after: timedelta, clears: float | None) -> RollbackTrigger:
    bound = None if clears is None else Bound(Comparator.ABOVE, clears)
    return trigger(
        threshold=0.5,
        over=over,
        clears=bound,
        clears_after=clears_after,
        at_least=1,
        hold_for=seconds(2),
        max_gap=seconds(4),
        stale_after=seconds(2),
    )


@settings(max_examples=300)
@given(
    st.lists(st.sampled_from([1.0, 0.5, 0.5, 0.5, 0.0, None]), min_size=12, max_size=30),
    st.sampled_from([0, 3]).map(seconds),
    st.sampled_from([0, 3, 8]).map(seconds),
    st.sampled_from([None, 0.25]),
)
def test_the_newest_part_of_a_line_reads_as_the_whole(
    drawn: list[float | None], over: timedelta, clears_after: timedelta, clears: float | None
) -> None:
    rule = _lingering(over, clears_after, clears)
    old = [measured(NOON - timedelta(seconds=s), 0.0, 20) for s in range(60, 0, -1)]
    new = [measured(at(s), value, 20) for s, value in enumerate(drawn) if value is not None]
    inputs = {rule.signal: [*old, *new]}
    seen = Seen(now=inputs[rule.signal][-1].at)
    view = seen.view(rule)
    whole = kind_of(rule.condition).marks(rule.condition, inputs, view)
    assert assess(rule, inputs, seen) == reading_of(rule, whole, inputs, view)


def test_what_was_heard_of_the_other_side_counts_for_as_long_as_the_stretch_lasts() -> None:
    """Also where all of it lies before the first mark that is wanted."""
    before = Before(baseline=seconds(30), within=seconds(60))
    condition = Concurrent(
        signal="canary", other="stable", dimension=Dimension.NUMBER, falls=False, by=0.2, level=0.1, before=before
    )
    inputs = {
        "canary": [measured(at(s), 900.0 + 7 * s % 5) for s in range(1, 31)],
        "stable": [measured(at(s), 400.0 + 7 * s % 5) for s in range(1, 15)],
    }
    view = View(watermark=at(30), change_started=NOON, since=at(20))
    marks = kind_of(condition).marks(condition, inputs, view)
    assert [(mark.at, mark.violates) for mark in marks if mark.at > at(20)] == [(at(s), True) for s in range(21, 31)]


@given(st.lists(histories(ids=("", "b")), max_size=4), st.integers(0, 40))
def test_samples_that_come_in_order_are_merged_as_all_others(answers: list[list[Sample]], keep_s: int) -> None:
    now, keep = at(30), timedelta(seconds=keep_s)
    series: Series = ()
    known: dict[tuple[object, str], Sample] = {}
    for answer in answers:
        series = merge(series, answer, now=now, keep=keep)
        for sample in answer:
            before = known.get((sample.at, sample.id))
            if before is None or before.value is None or sample.value is not None:
                known[sample.at, sample.id] = sample
    kept = [sample for sample in known.values() if sample.at > now - keep]
    assert list(series) == sorted(kept, key=lambda sample: (sample.at, sample.id))
