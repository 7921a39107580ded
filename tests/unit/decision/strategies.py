"""Series and triggers in which stretches, gaps, late points and boundaries are common.

Values, counts and thresholds are small binary fractions: their exact mean and its nearest float compare alike.
"""

from collections.abc import Callable
from datetime import timedelta

from hypothesis import strategies as st

from shared.model.quantity import Dimension
from shared.model.signal import Sample, failed, measured, no_data
from shared.model.trigger import Comparator, NoData, RollbackTrigger
from tests.unit.decision.build import at, trigger

LAST_S = 30
Histories = st.SearchStrategy[list[Sample]]

_values = st.sampled_from([0.0, 0.25, 0.5, 0.5625, 0.75, 0.75, 1.0, 1.0])
_counts = st.sampled_from([1, 2, 5, 20])


def _spans(*, least: int = 0, most: int) -> st.SearchStrategy[timedelta]:
    return st.integers(least, most).map(lambda amount: timedelta(seconds=amount))


@st.composite
def measurements(draw: st.DrawFn, ids: tuple[str, ...], last_s: int) -> Sample:
    moment = at(draw(st.integers(0, last_s)))
    return measured(moment, draw(_values), draw(_counts), sample_id=draw(st.sampled_from(ids)))


@st.composite
def silences(draw: st.DrawFn) -> Sample:
    kind: Callable[..., Sample] = draw(st.sampled_from([no_data, failed]))
    return kind(at(draw(st.integers(0, LAST_S))), "nothing came")


def histories(*, least: int = 0, ids: tuple[str, ...] = ("",), last_s: int = LAST_S) -> Histories:
    """Return lists, in no order, in which an event time and id stand once; most samples are measured."""
    measuring = measurements(ids, last_s)
    some = st.one_of(measuring, measuring, measuring, silences())
    return st.lists(some, unique_by=lambda sample: (sample.at, sample.id), min_size=least, max_size=14)


crowds = histories(least=4, ids=("a", "b", "c"), last_s=12)

moments = st.integers(10, LAST_S + 15).map(at)
alone = st.just(timedelta(0))
_alone_or_pooled = st.one_of(alone, _spans(least=1, most=20))


def triggers(over: st.SearchStrategy[timedelta] = _alone_or_pooled) -> st.SearchStrategy[RollbackTrigger]:
    return st.builds(
        trigger,
        dimension=st.sampled_from(Dimension),
        comparator=st.sampled_from(Comparator),
        threshold=st.sampled_from([0.25, 0.5, 0.5, 0.75]),
        hold_for=_spans(most=15),
        at_least=st.sampled_from([1, 1, 3, 10, 25]),
        over=over,
        max_gap=_spans(least=1, most=12),
        stale_after=_spans(most=20),
        delay=_spans(most=12),
        no_data=st.sampled_from(NoData),
    )
