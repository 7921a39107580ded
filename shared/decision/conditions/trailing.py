"""Means over trailing intervals of any length, and how much of each somebody has seen.

A sample speaks of the time since the one before it; after a silence in which its signal was stale, of its own rhythm
only. Sums are exact, so that a line does not depend on how far back it began.
"""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import accumulate, islice
from operator import eq, sub
from typing import NamedTuple

from shared.decision.conditions.decimals import amounts_of
from shared.decision.conditions.pools import measured_of
from shared.model.conditions.pace import Pace
from shared.model.quantity import Dimension
from shared.model.signal import Sample


class Interval(NamedTuple):
    """The measured samples of an interval.

    Attributes:
        total: Sum of value times count, in parts.
        parts: So many parts make 1.
        volume: Sum of the counts.
        covered: The share of the interval that somebody has seen, 0 to 1.
    """

    total: int
    parts: int
    volume: int
    covered: float

    @property
    def mean(self) -> Fraction:
        """The mean, weighted by count; there must be a sample."""
        return Fraction(self.total, self.weight)

    @property
    def weight(self) -> int:
        """What the total is divided by to give the mean."""
        return self.volume * self.parts


class Trailing:
    """The measured samples of a signal as running sums.

    Attributes:
        instants: The event times of measured samples, each once.
        counts: Observations at each of them.
    """

    def __init__(self, samples: Sequence[Sample], dimension: Dimension, pace: Pace) -> None:
        """Add up samples in event-time order."""
        heard = measured_of(samples)
        numbers, self._parts = amounts_of([(value, sample.count) for sample, value in heard], dimension)
        moments, counts = [sample.at for sample, _ in heard], [sample.count for sample, _ in heard]
        if any(map(eq, moments, islice(moments, 1, None))):
            moments, numbers, counts = _joined(moments, numbers, counts)
        self.instants, self.counts = moments, counts
        self._totals = list(accumulate(numbers, initial=0))
        self._volumes = list(accumulate(counts, initial=0))
        # Before the first one, nobody knows: it speaks of its own rhythm.
        silences = map(sub, moments, [moments[0] - pace.every, *moments]) if moments else ()
        seen = (silence if silence <= pace.patience else pace.every for silence in silences)
        self._seen = list(accumulate(seen, initial=timedelta(0)))

    def between(self, after: datetime, until: datetime) -> Interval | None:
        """Return the interval `(after, until]`, or `None` when nothing was measured in it."""
        first, end = bisect_right(self.instants, after), bisect_right(self.instants, until)
        if first == end:
            return None
        seen = (self._seen[end] - self._seen[first]) / (until - after)
        total = self._totals[end] - self._totals[first]
        return Interval(total, self._parts, self._volumes[end] - self._volumes[first], min(seen, 1.0))


def _joined(
    moments: Sequence[datetime], numbers: Sequence[int], counts: Sequence[int]
) -> tuple[list[datetime], list[int], list[int]]:
    """Add up what was measured at the same instant."""
    totals: dict[datetime, tuple[int, int]] = {}
    for at, number, count in zip(moments, numbers, counts, strict=True):
        total, counted = totals.get(at, (0, 0))
        totals[at] = total + number, counted + count
    return list(totals), [total for total, _ in totals.values()], [counted for _, counted in totals.values()]
