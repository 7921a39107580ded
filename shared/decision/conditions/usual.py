"""What is usual for a signal, from its baseline, and how far a value lies on the worse side of it.

Latencies are looked at on a log scale: twice as slow is as far from usual at 50 ms as at 5 s. The centre is the median.
The scale is the larger of two robust ones, the median absolute deviation and the distance to the baseline's 90 %
quantile on the worse side: a latency that jumps between two levels, as high percentiles do, is not as steady as its
median makes it look (Rousseeuw and Croux, "Alternatives to the median absolute deviation", JASA 88, 1993, on what
skewed data do to the MAD).

A share that counts its requests is judged by its counts. They are made smaller by the overdispersion of the baseline
(Pearson's chi-square over its degrees of freedom; McCullagh and Nelder, "Generalized linear models", 1989, 4.5), for
failures come in bursts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import exp, fsum, log, sqrt
from typing import Protocol

from shared.decision.conditions.chance import MOST_SIGMAS, excess_sigmas
from shared.decision.conditions.eras import Value
from shared.model.conditions.before import LEAST_BASELINE
from shared.model.quantity import Dimension

# Of a normal distribution: standard deviations per median absolute deviation, and those at its 90 % quantile.
_PER_MAD, _AT_NINETY = 1.4826, 1.2816
# The variance of a median in that of a mean.
_OF_MEDIAN = 1.57
# A signal that hardly moved may move by this share of its value and a bit more; a share by this much of all.
_STEADY, _STEADY_SHARE = 0.03, 0.001
# Robust estimates know as much as this share of as many samples would with the best ones.
_EFFICIENCY = 0.4
_LEAST_FREEDOM = 2.0
# Bursts have longer tails than counts that are made smaller: so long ones, found on noise (docs/detection.md).
_OF_COUNTS = 25.0
_MOST_CORRELATION = 0.9
_LEAST_LATENCY_MS = 0.001
# Farther out, in scales, a value tells no more about its neighbours.
_FARTHEST = 3.0


class Usual(Protocol):
    """What is usual for one signal."""

    @property
    def level(self) -> float:
        """The usual value, in the product's own unit."""
        ...

    @property
    def freedom(self) -> float:
        """Degrees of freedom of what is known of its scatter."""
        ...

    def sigmas(self, value: Value) -> float:
        """Return how far a value lies on the worse side, in standard deviations of a single value."""
        ...

    def spread(self, length: int) -> float:
        """Return the standard deviation of the mean of so many neighbouring values, that of a single one being 1."""
        ...

    def matters(self, value: float, by: float, points: float) -> bool:
        """Tell whether a value is worse by enough to matter."""
        ...


def usual_of(baseline: Sequence[Value], dimension: Dimension, *, falls: bool) -> Usual | None:
    """Return what is usual; `None` when there is too little to know.

    Several triggers ask the same of the same baseline, and again in every cycle: the latest answers are remembered.
    """
    return _usual_of(tuple(baseline), dimension, falls) if len(baseline) >= LEAST_BASELINE else None


@lru_cache(maxsize=128)
def _usual_of(baseline: tuple[Value, ...], dimension: Dimension, falls: bool) -> Usual:
    if dimension is Dimension.SHARE and any(value.count > 1 for value in baseline):
        return _counted(baseline, falls=falls)
    return _measured(baseline, dimension, falls=falls)


@dataclass(frozen=True, slots=True)
class Measured:
    """What is usual for values that are numbers.

    Attributes:
        centre, scale: On the scale that is looked at, on which more is worse.
        correlation: Of neighbouring values.
        seen: How many values the baseline has.
    """

    dimension: Dimension
    falls: bool
    centre: float
    scale: float
    correlation: float
    seen: int

    @property
    def level(self) -> float:
        centre = _turned(self.centre, self.falls)
        return exp(centre) if self.dimension is Dimension.LATENCY else centre

    @property
    def freedom(self) -> float:
        """As of the variance of correlated values (Bartlett, J. Roy. Statist. Soc. 98, 1935)."""
        r2 = self.correlation**2
        return max(_LEAST_FREEDOM, _EFFICIENCY * self.seen * (1 - r2) / (1 + r2))

    def sigmas(self, value: Value) -> float:
        off = _scaled(value.value, self.dimension, self.falls) - self.centre
        if off <= 0 or self.scale == 0:
            return MOST_SIGMAS if off > 0 else 0.0
        return off / self.scale

    def spread(self, length: int) -> float:
        r = self.correlation
        return sqrt(_variance_of_mean(length, r) + _OF_MEDIAN / self.seen * (1 + r) / (1 - r))

    def matters(self, value: float, by: float, points: float) -> bool:
        if self.dimension is Dimension.LATENCY:
            usual = self.level
            return value <= usual * (1 - by) if self.falls else value >= usual * (1 + by)
        off = _turned(value, self.falls) - self.centre
        return off > 0 and off >= (points if self.dimension is Dimension.SHARE else by * abs(self.centre))


@dataclass(frozen=True, slots=True)
class Counted:
    """What is usual for a share of counted requests, as a share of bad ones.

    Attributes:
        failed, of: Of the baseline, made smaller by the overdispersion.
        overdispersion: 1 where failures are independent.
    """

    falls: bool
    failed: float
    of: float
    overdispersion: float
    correlation: float

    @property
    def rate(self) -> float:
        return self.failed / self.of

    @property
    def level(self) -> float:
        return 1 - self.rate if self.falls else self.rate

    @property
    def freedom(self) -> float:
        return _OF_COUNTS

    def sigmas(self, value: Value) -> float:
        bad, of = _bad(value.value, self.falls), value.count / self.overdispersion
        return excess_sigmas(bad * of, of, self.failed, self.of) if bad > self.rate else 0.0

    def spread(self, length: int) -> float:
        return sqrt(_variance_of_mean(length, self.correlation))

    def matters(self, value: float, by: float, points: float) -> bool:
        return _bad(value, self.falls) - self.rate >= points


def _measured(baseline: Sequence[Value], dimension: Dimension, *, falls: bool) -> Measured:
    line = [_scaled(value.value, dimension, falls) for value in baseline]
    ordered = sorted(line)
    centre = middle_of(ordered)
    upper = _quantile(ordered, 0.9) - centre
    deviation = middle_of(sorted([abs(x - centre) for x in line]))
    scale = max(_PER_MAD * deviation, upper / _AT_NINETY, _steady(centre, dimension))
    within = _clipped([(x - centre) / scale for x in line]) if scale else [0.0] * len(line)
    return Measured(dimension, falls, centre, scale, correlation_of(within), len(line))


def _counted(baseline: Sequence[Value], *, falls: bool) -> Counted:
    bad = [(_bad(value.value, falls), value.count) for value in baseline]
    of = sum(count for _, count in bad)
    failed = fsum([share * count for share, count in bad])
    rate = (failed + 0.5) / (of + 1)
    variance = rate * (1 - rate)
    off = [(share - rate) * sqrt(count / variance) for share, count in bad]
    overdispersion = max(1.0, fsum([x * x for x in off]) / (len(off) - 1))
    correlation = correlation_of(_clipped(off))
    return Counted(falls, failed / overdispersion, of / overdispersion, overdispersion, correlation)


def _clipped(line: Sequence[float]) -> list[float]:
    return [x if -_FARTHEST < x < _FARTHEST else _FARTHEST if x > 0 else -_FARTHEST for x in line]


def _scaled(value: float, dimension: Dimension, falls: bool) -> float:
    return _turned(log(max(value, _LEAST_LATENCY_MS)) if dimension is Dimension.LATENCY else value, falls)


def _turned(value: float, falls: bool) -> float:
    return -value if falls else value


def _bad(value: float, falls: bool) -> float:
    return min(1.0, max(0.0, 1 - value if falls else value))


def _steady(centre: float, dimension: Dimension) -> float:
    if dimension is Dimension.NUMBER:
        return _STEADY * abs(centre)
    return _STEADY if dimension is Dimension.LATENCY else _STEADY_SHARE


def quantile(values: Sequence[float], share: float) -> float:
    """Return a quantile, interpolated between neighbours (Hyndman and Fan, 1996, definition 7)."""
    return _quantile(sorted(values), share)


def _quantile(ordered: Sequence[float], share: float) -> float:
    place = (len(ordered) - 1) * share
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


def middle_of(ordered: Sequence[float]) -> float:
    """Return the median of values that are in order."""
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def correlation_of(line: Sequence[float]) -> float:
    """Return how alike neighbours are: the lag-1 autocorrelation, from 0 to 0.9.

    What a short line underestimates is added (Kendall, "Note on bias in the estimation of autocorrelation", Biometrika
    41, 1954), and half of its standard error besides: to take noise for independent is the worse mistake.
    """
    mean = fsum(line) / len(line)
    off = [x - mean for x in line]
    squares = fsum([x * x for x in off])
    if squares == 0:
        return 0.0
    found = fsum([x * y for x, y in pairwise(off)]) / squares
    seen = len(line)
    return max(0.0, min(_MOST_CORRELATION, found + (1 + 3 * found) / seen + 0.5 / sqrt(seen)))


@lru_cache(maxsize=1024)
def _variance_of_mean(length: int, correlation: float) -> float:
    shared = sum((length - lag) * correlation**lag for lag in range(1, length))
    return (length + 2 * shared) / length**2
