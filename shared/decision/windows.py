"""Sustained conditions over event time.

A condition is sustained for as long as the newest unbroken stretch of violating samples reaches: from the event time of
its first sample to that of its last. Only samples up to the source's watermark count, because later ones may still be
revised. A sample that is not measured is silence, and a silence longer than `max_gap` breaks the stretch. Nothing here
remembers anything: the same samples give the same answer in any order, after any restart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.model.signal import Outcome, Sample
from shared.model.trigger import NoData, RollbackTrigger


@dataclass(frozen=True, slots=True)
class Point:
    """A measured value at an event time, pooled over the trigger's trailing interval, and what it stands on itself."""

    at: datetime
    value: float
    count: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """An unbroken violation: when it began and ended, its mean value weighted by count, and how much it stands on.

    Attributes:
        heard_at: Event time of the newest sample in it; `until` lies behind that where the last word stands.
    """

    since: datetime
    until: datetime
    value: float
    count: int
    heard_at: datetime

    @property
    def held(self) -> timedelta:
        return self.until - self.since


def settled(samples: Sequence[Sample], watermark: datetime) -> list[Sample]:
    """Return the samples at or before the watermark, in event-time order."""
    return sorted((sample for sample in samples if sample.at <= watermark), key=lambda sample: (sample.at, sample.id))


def points(samples: Sequence[Sample], over: timedelta) -> list[Point]:
    """Pool measured samples: each point is the mean, weighted by count, of those in `(at - over, at]`.

    Args:
        samples: In event-time order.
        over: Zero leaves every sample by itself, exactly: 0.1 * 3 / 3 is not 0.1.
    """
    measured = [(s.at, s.value, s.count) for s in samples if s.outcome is Outcome.MEASURED and s.value is not None]
    if not over:
        return [Point(at, value, count) for at, value, count in measured]
    found: list[Point] = []
    first = beyond = 0
    for at, _, count in measured:
        while measured[first][0] <= at - over:
            first += 1
        while beyond < len(measured) and measured[beyond][0] <= at:
            beyond += 1
        pool = measured[first:beyond]
        mean = sum(value * weight for _, value, weight in pool) / sum(weight for _, _, weight in pool)
        found.append(Point(at, mean, count))
    return found


def newest_stretch(line: Sequence[Point], trigger: RollbackTrigger, watermark: datetime) -> Stretch | None:
    """Return the violation that the newest point belongs to, or `None` when that point does not violate.

    It reaches to the newest point; with `no_data: hold`, whose last word stands, to the watermark.
    """
    members: list[Point] = []
    for point in reversed(line):
        broken = members and members[-1].at - point.at > trigger.max_gap
        if broken or not trigger.comparator.holds(point.value, trigger.threshold):
            break
        members.append(point)
    if not members:
        return None
    until = watermark if trigger.no_data is NoData.HOLD else members[0].at
    count = sum(point.count for point in members)
    mean = sum(point.value * point.count for point in members) / count
    return Stretch(members[-1].at, until, mean, count, heard_at=members[0].at)
