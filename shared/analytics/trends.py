"""Where a signal is going: this period against the one before, and single points against the rest of their line."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from math import fsum, sqrt

from shared.analytics.rollup import Rollup

# Less than this is no trend.
FLAT = 0.05
# A rise of more than this is worth an early warning where more is worse.
STEEP = 0.5
# Samples in a period, and points of a line, with fewer of which nothing is said.
FEWEST = 10
_UNUSUAL_SIGMAS = 2.0
_EXTREME_SIGMAS = 3.0
_MOST_ANOMALIES = 20


class Direction(StrEnum):
    """Where a signal is going."""

    UP = "up"
    DOWN = "down"
    FLAT = "flat"
    UNKNOWN = "unknown"


class Severity(StrEnum):
    """How unusual a point is."""

    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """A period against the one before.

    Attributes:
        change: Share of the mean before by which it rose or fell; `None` when that was zero or nothing is known.
        now, before: The means.
    """

    direction: Direction
    change: float | None = None
    now: float | None = None
    before: float | None = None

    @property
    def is_steep(self) -> bool:
        """It rose by more than half, or from nothing."""
        return self.direction is Direction.UP and (self.change is None or self.change > STEEP)


@dataclass(frozen=True, slots=True)
class Anomaly:
    """A point that is far from the rest of its line.

    Attributes:
        sigmas: Standard deviations by which it is above the mean of the line, or below if negative.
    """

    at: datetime
    value: float
    sigmas: float
    severity: Severity


def trend_of(now: Rollup, before: Rollup) -> Trend:
    """Return where a signal is going; unknown with fewer than ten samples in either period."""
    if now.mean is None or before.mean is None or min(now.measured, before.measured) < FEWEST:
        return Trend(direction=Direction.UNKNOWN, now=now.mean, before=before.mean)
    change = (now.mean - before.mean) / abs(before.mean) if before.mean else None
    return Trend(direction=_direction(now.mean, before.mean), change=change, now=now.mean, before=before.mean)


def _direction(now: float, before: float) -> Direction:
    if abs(now - before) <= FLAT * abs(before):
        return Direction.FLAT
    return Direction.UP if now > before else Direction.DOWN


def anomalies_of(
    at: Sequence[datetime], values: Sequence[float | None], high_above: float | None = None
) -> list[Anomaly]:
    """Return the points more than two standard deviations from the mean of a line, at most the 20 farthest, in order.

    Args:
        values: One for each moment; `None` is a gap. Of fewer than ten nothing is unusual.
        high_above: Of high severity is what lies above this; without it, what is beyond three standard deviations.
    """
    known = [(moment, value) for moment, value in zip(at, values, strict=True) if value is not None]
    if len(known) < FEWEST:
        return []
    mean = fsum(value for _, value in known) / len(known)
    sigma = sqrt(fsum((value - mean) ** 2 for _, value in known) / (len(known) - 1))
    # Of a line that is flat but for rounding nothing is unusual.
    if sigma <= 1e-9 * max(abs(value) for _, value in known):
        return []
    far = [(moment, value, (value - mean) / sigma) for moment, value in known]
    far = sorted((one for one in far if abs(one[2]) > _UNUSUAL_SIGMAS), key=lambda one: -abs(one[2]))
    return [Anomaly(*one, _severity(one[1], one[2], high_above)) for one in sorted(far[:_MOST_ANOMALIES])]


def _severity(value: float, sigmas: float, high_above: float | None) -> Severity:
    is_high = abs(sigmas) > _EXTREME_SIGMAS if high_above is None else value > high_above
    return Severity.HIGH if is_high else Severity.MEDIUM
