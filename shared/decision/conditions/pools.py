"""Trailing pools, in exact numbers: 3 failed of 60 are not more than 5 %, however the sums are taken.

A float stands for the decimal number that it is written as; a share of a count stands for the whole number of
observations behind it. Sums of those are exact in any order, so a line does not depend on how far back it began.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Context, Decimal
from typing import NamedTuple

from shared.decision.conditions.decimals import Limit, amounts_of
from shared.model.quantity import Dimension
from shared.model.signal import Outcome, Sample

# Exact for any sum of floats: their digits lie between 1e308 and 1e-324.
EXACT = Context(prec=1_000)
_WHOLE = 1e-6


class Pool(NamedTuple):
    """The measured samples in `(at - over, at]`.

    Attributes:
        total: Sum of value times count, in parts.
        parts: So many parts make 1.
        volume: Sum of the counts.
        count: Observations of the samples at `at` itself.
    """

    at: datetime
    total: int
    parts: int
    volume: int
    count: int  # type: ignore[assignment]  # hides `tuple.count`, for which nobody asks

    @property
    def mean(self) -> float:
        return self.total / (self.volume * self.parts)

    def against(self, limit: Limit) -> int:
        """Return less than 0, 0 or more than 0 as the mean is less than, equal to or more than a limit."""
        return self.total * limit.parts - limit.digits * self.volume * self.parts


def exact(value: float) -> Decimal:
    """Return the decimal number that a float is written as."""
    return Decimal(repr(value))


def measured_of(samples: Sequence[Sample]) -> list[tuple[Sample, float]]:
    """Return the measured samples with their values."""
    return [(s, s.value) for s in samples if s.outcome is Outcome.MEASURED and s.value is not None]


def pools(samples: Sequence[Sample], over: timedelta, dimension: Dimension) -> list[Pool]:
    """Return the pool of every instant that has a measured sample.

    Args:
        samples: In event-time order.
        over: More than nothing.
    """
    heard = measured_of(samples)
    numbers, parts = amounts_of([(value, sample.count) for sample, value in heard], dimension)
    counts = [sample.count for sample, _ in heard]
    moments = [sample.at for sample, _ in heard]
    found: list[Pool] = []
    total = volume = own = first = 0
    for place, at in enumerate(moments):
        total, own = total + numbers[place], own + counts[place]
        if place + 1 < len(moments) and moments[place + 1] == at:
            continue
        volume, edge = volume + own, at - over
        while moments[first] <= edge:
            total, volume, first = total - numbers[first], volume - counts[first], first + 1
        found.append(Pool(at, total, parts, volume, own))
        own = 0
    return found


def amount(value: float, count: int, dimension: Dimension) -> Decimal:
    """Return value times count; of a share that is a number of observations, which is whole."""
    observed = value * count
    if dimension is Dimension.SHARE and abs(observed - round(observed)) < _WHOLE:
        return Decimal(round(observed))
    return EXACT.multiply(exact(value), Decimal(count))
