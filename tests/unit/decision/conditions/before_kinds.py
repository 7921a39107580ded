"""Conditions that look at what was usual before, with baselines of seconds, for the laws that every kind obeys."""

from datetime import timedelta
from random import Random

from hypothesis import strategies as st

from shared.model.conditions.anomaly import Anomaly
from shared.model.conditions.before import Before
from shared.model.conditions.concurrent import Concurrent
from shared.model.conditions.deviation import Worse
from shared.model.conditions.judged import Judged, Part
from shared.model.conditions.more_errors import MoreErrors
from shared.model.conditions.pace import Pace
from shared.model.quantity import Dimension
from shared.model.signal import Sample, measured
from tests.unit.decision.build import at

DENSE_S = 60
_VALUES = (0.05, 0.05, 0.05, 0.1, 0.15)
_steps = st.sampled_from([0.003, 0.2])


def _spans(least: int, most: int) -> st.SearchStrategy[timedelta]:
    return st.integers(least, most).map(lambda amount: timedelta(seconds=amount))


_befores = st.builds(Before, baseline=_spans(8, 30), within=_spans(2, 25))
_paces = st.builds(Pace, every=st.just(timedelta(seconds=1)), patience=_spans(1, 6))


def _parts(name: str) -> st.SearchStrategy[Part]:
    return st.builds(Part, signal=st.just(name), dimension=st.sampled_from(Dimension), falls=st.booleans(), pace=_paces)


judgements = st.builds(
    Judged,
    parts=st.one_of(st.tuples(_parts("errors")), st.tuples(_parts("errors"), _parts("p95"))),
    before=_befores,
    level=st.sampled_from([0.02, 0.5]),
    by=_steps,
    points=_steps,
)
anomalies = st.builds(
    Anomaly,
    signal=st.just("watched"),
    dimension=st.sampled_from(Dimension),
    worse=st.sampled_from(Worse),
    sigmas=st.sampled_from([1.0, 2.0, 4.0]),
    by=_steps,
    before=_befores,
)
error_tests = st.builds(
    MoreErrors,
    signal=st.just("watched"),
    than=st.sampled_from([None, 0.01, 0.3]),
    by=_steps,
    level=st.sampled_from([0.01, 0.5]),
    before=_befores,
)
comparisons = st.builds(
    Concurrent,
    signal=st.just("canary"),
    other=st.just("stable"),
    dimension=st.sampled_from(Dimension),
    falls=st.booleans(),
    by=_steps,
    level=st.sampled_from([0.01, 0.5]),
    before=_befores,
)


@st.composite
def dense(draw: st.DrawFn) -> list[Sample]:
    """A sample for most seconds of a minute, which may jump, in no order; some instants have two.

    Played from a seed: a hundred draws a line would take longer than what is tested.
    """
    chance = Random(draw(st.integers(0, 10_000)))
    jump, count = draw(st.integers(0, DENSE_S)), draw(st.sampled_from([1, 20]))
    moments = chance.sample(range(DENSE_S + 1), chance.randint(25, DENSE_S))
    line = [measured(at(s), chance.choice(_VALUES) + (0.5 if s > jump else 0.0), count) for s in moments]
    return line + [measured(at(s), 0.25, 3, sample_id="other") for s in moments[: chance.randint(0, 3)]]
