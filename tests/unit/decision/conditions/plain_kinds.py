"""Conditions of the plain kinds, with spans and limits among which boundaries are common."""

from datetime import timedelta

from hypothesis import strategies as st

from shared.model.conditions.issues import Issue, Issues
from shared.model.conditions.periods import Periods
from shared.model.conditions.pooled import Often, Pooled, Pooling
from shared.model.conditions.silence import Silence
from shared.model.conditions.threshold import Threshold
from shared.model.quantity import Dimension
from shared.model.trigger import Bound, Comparator


def spans(least: int, most: int) -> st.SearchStrategy[timedelta]:
    return st.integers(least, most).map(lambda amount: timedelta(seconds=amount))


thresholds = st.builds(
    Threshold,
    signal=st.just("watched"),
    dimension=st.sampled_from(Dimension),
    comparator=st.sampled_from(Comparator),
    threshold=st.sampled_from([0.25, 0.5, 0.75]),
    over=spans(0, 15),
    volume=st.sampled_from([1, 5, 25]),
)
periods = st.builds(
    Periods,
    signal=st.just("watched"),
    dimension=st.sampled_from(Dimension),
    comparator=st.sampled_from(Comparator),
    threshold=st.sampled_from([0.25, 0.5, 0.75]),
    least=st.integers(1, 2),
    most=st.integers(2, 3),
    each=spans(2, 7),
)
pooled = st.builds(
    Pooled,
    signal=st.just("watched"),
    dimension=st.sampled_from(Dimension),
    comparator=st.sampled_from(Comparator),
    threshold=st.sampled_from([0.5, 1.0, 2.25, 5.0]),
    how=st.sampled_from(Pooling),
    over=spans(1, 15),
    gap=spans(1, 12),
    sparse=st.booleans(),
)
often = st.builds(
    Often,
    signal=st.just("watched"),
    dimension=st.sampled_from(Dimension),
    comparator=st.sampled_from(Comparator),
    threshold=st.sampled_from([0.25, 0.5, 0.75]),
    least=st.integers(1, 4),
    over=spans(1, 15),
    gap=spans(1, 12),
    sparse=st.booleans(),
)
_of_asked = st.builds(
    Silence, signal=st.just("watched"), asked=st.just(True), every=spans(1, 5), remembered=spans(60, 90)
)
_of_senders = st.builds(
    Silence, signal=st.just("watched"), asked=st.just(False), every=spans(1, 5), remembered=spans(60, 90)
)
one_issue = st.builds(
    Issue,
    st.sampled_from(["watched", "other", "third"]),
    st.sampled_from(Dimension),
    st.builds(Bound, st.sampled_from(Comparator), st.sampled_from([0.25, 0.5, 0.75])),
    spans(1, 12),
)
issues = st.builds(Issues, issues=st.lists(one_issue, min_size=2, max_size=4).map(tuple), least=st.integers(1, 3))
absences = _of_asked | _of_senders
