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
from shared.model.trigger import RollbackTrigger


@dataclass(frozen=True, slots=True)
class Point:
    """A measured value at an event time, pooled over the trigger's trailing interval."""

    at: datetime
    value: float
    pooled_count: int
    own_count: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """An unbroken violation: when it began and ended, its mean value weighted by count, and how much it stands on."""

    since: datetime
    until: datetime
    value: float
    count: int

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
        over: Zero leaves every sample by itself.
    """
    found: list[Point] = []
    measured = [(s.at, s.value, s.count) for s in samples if s.outcome is Outcome.MEASURED and s.value is not None]
    first = 0
    for index, (at, value, count) in enumerate(measured):
        while over and measured[first][0] <= at - over:
            first += 1
        pool = measured[first : index + 1] if over else [(at, value, count)]
        total = sum(share for _, _, share in pool)
        found.append(Point(at, sum(v * n for _, v, n in pool) / total, total, count))
    return found


def newest_stretch(line: Sequence[Point], trigger: RollbackTrigger) -> Stretch | None:
    """Return the violation that the newest point belongs to, or `None` when that point does not violate."""
    members: list[Point] = []
    for point in reversed(line):
        broken = members and members[-1].at - point.at > trigger.max_gap
        if broken or not trigger.comparator.holds(point.value, trigger.threshold):
            break
        members.append(point)
    if not members:
        return None
    count = sum(point.own_count for point in members)
    mean = sum(point.value * point.own_count for point in members) / count
    return Stretch(members[-1].at, members[0].at, mean, count)
