"""Stretches of time that are judged, each with what came before it: so a month is judged in one pass.

A stretch belongs to a change when it is the first since that began. All others are what is left to watch: there the
level of a month is spent on each, so that a policy that watches always alarms about as often as one that watches
changes.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby, islice
from math import fsum
from operator import eq
from typing import NamedTuple

from shared.decision.conditions.line import View
from shared.decision.conditions.pools import measured_of
from shared.model.conditions.before import Before
from shared.model.signal import Sample

_EPOCH = datetime.fromtimestamp(0, UTC)
_MONTH = timedelta(days=30)


class Value(NamedTuple):
    """All measured samples of a signal at one instant: their mean by count, and how much they stand on."""

    at: datetime
    value: float
    count: int  # type: ignore[assignment]  # hides `tuple.count`, for which nobody asks


@dataclass(frozen=True, slots=True)
class Era:
    """A stretch of time from just after `start`, and what its baseline holds.

    Attributes:
        begun: It is the first since a change began.
        usual: The values of `(start - baseline, start]`.
        values: Those of the stretch itself.
    """

    start: datetime
    begun: bool
    usual: Sequence[Value]
    values: Sequence[Value]

    def level(self, level: float, before: Before) -> float:
        """Return what may be spent of a level on this stretch."""
        return level if self.begun else level * min(1.0, before.within / _MONTH)

    def first_wanted(self, view: View) -> int:
        """Return the place of the first value at which a mark is wanted."""
        return 0 if view.since is None else _through(self.values, view.since, 0)


def eras_of(samples: Sequence[Sample], before: Before, view: View) -> list[Era]:
    """Cut a line of samples into the stretches in which a mark is wanted, without looking at what is older."""
    if view.since is not None:
        wanted = bisect_right(samples, view.since, key=_sampled_at)
        if wanted == len(samples):
            return []
        start, _ = _start(samples[wanted].at, before.within, view)
        samples = samples[bisect_right(samples, start - before.baseline, key=_sampled_at) :]
    return eras(values_of(samples), before, view)


def values_of(samples: Sequence[Sample]) -> list[Value]:
    """Return the measured samples, one value an instant.

    Args:
        samples: In the order of event time and id, so that sums do not depend on their arrival.
    """
    heard = measured_of(samples)
    moments = [sample.at for sample, _ in heard]
    values = [Value(at, value, sample.count) for at, (sample, value) in zip(moments, heard, strict=True)]
    if not any(map(eq, moments, islice(moments, 1, None))):
        return values
    return [_mean(at, list(together)) for at, together in groupby(values, key=_at)]


def _mean(at: datetime, heard: Sequence[Value]) -> Value:
    if len(heard) == 1:
        return heard[0]
    count = sum(value.count for value in heard)
    return Value(at, fsum(value.value * value.count for value in heard) / count, count)


def eras(values: Sequence[Value], before: Before, view: View) -> list[Era]:
    """Cut a line into stretches; one without values is left out, and so is one without a value that is wanted."""
    found: list[Era] = []
    first = 0 if view.since is None else _through(values, view.since, 0)
    if 0 < first < len(values):
        first = _through(values, _start(values[first].at, before.within, view)[0], 0)
    while first < len(values):
        start, begun = _start(values[first].at, before.within, view)
        end = _through(values, _end(start, before.within, view), first)
        baseline = _through(values, start - before.baseline, 0)
        found.append(Era(start, begun, values[baseline : _through(values, start, baseline)], values[first:end]))
        first = end
    return found


def _start(at: datetime, within: timedelta, view: View) -> tuple[datetime, bool]:
    """Return when the stretch of a moment began, and whether a change began it. It holds its end, not its start."""
    started = view.change_started
    origin = started if started is not None and at > started else _EPOCH
    steps = -((origin - at) // within) - 1
    return origin + steps * within, steps == 0 and origin is not _EPOCH


def _end(start: datetime, within: timedelta, view: View) -> datetime:
    """Return when a stretch ends: a change that begins meanwhile ends it."""
    started = view.change_started
    return min(start + within, started) if started is not None and start < started else start + within


def _through(values: Sequence[Value], moment: datetime, first: int) -> int:
    """Return how many values lie at or before a moment."""
    return bisect_right(values, moment, lo=first, key=_at)


def _at(value: Value) -> datetime:
    return value.at


def _sampled_at(sample: Sample) -> datetime:
    return sample.at
