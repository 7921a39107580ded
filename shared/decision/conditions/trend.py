"""The mean of a period held against the mean of the period before, both weighted by count."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.decision.conditions.decimals import Limit, quotient
from shared.decision.conditions.line import Mark, View
from shared.decision.conditions.trailing import Interval, Trailing
from shared.model.conditions.trend import Trend
from shared.model.quantity import say_apart, say_duration, say_value
from shared.model.signal import Sample

# A period of which less was seen is not known.
_LEAST_SEEN = 0.5


def marks(condition: Trend, inputs: Mapping[str, Sequence[Sample]], view: View) -> list[Mark]:
    """Return a mark for every instant that has a measured sample."""
    line = Trailing(inputs[condition.signal], condition.dimension, condition.pace)
    before = f"in the {say_duration(condition.over)} before"
    step = _Step(Limit.of(condition.by), Limit.of(condition.at_least_by), falls=condition.falls, before=before)
    first = view.first_wanted(line.instants)
    instants = zip(line.instants[first:], line.counts[first:], strict=True)
    return [_mark(condition, step, line, at, count) for at, count in instants]


@dataclass(frozen=True, slots=True)
class _Step:
    """How far from what it was a value is still flat: both a share of that and an amount lie between.

    Attributes:
        before: When it was that, in words.
    """

    by: Limit
    least: Limit
    falls: bool
    before: str

    def limit(self, was: Interval) -> tuple[int, int]:
        """Return the limit as a fraction."""
        weight, share, least = was.weight, self.by, self.least
        if abs(was.total) * share.digits * least.parts >= least.digits * weight * share.parts:
            off, top, bottom = abs(was.total) * share.digits, was.total * share.parts, weight * share.parts
        else:
            off, top, bottom = least.digits * weight, was.total * least.parts, weight * least.parts
        return (top - off if self.falls else top + off), bottom


def _mark(condition: Trend, step: _Step, line: Trailing, at: datetime, count: int) -> Mark:
    middle = at - condition.over
    now, before = line.between(middle, at), line.between(middle - condition.over, middle)
    value = quotient(now.total, now.weight) if now else 0.0
    if now is None or before is None or not (_is_known(condition, now) and _is_known(condition, before)):
        return Mark(at, None, value, value, count, note=_too_little(condition, now, before))
    top, bottom = step.limit(before)
    side = now.total * bottom - top * now.weight
    violates = side < 0 if condition.falls else side > 0
    was = quotient(before.total, before.weight)
    note = f"{say_value(was, condition.dimension)} {step.before}"
    return Mark(at, violates, value, quotient(top, bottom), count, now.volume - count, note)


def _is_known(condition: Trend, period: Interval) -> bool:
    return period.covered >= _LEAST_SEEN and period.volume >= condition.least


def _too_little(condition: Trend, now: Interval | None, before: Interval | None) -> str:
    seen = [f"{period.covered:.0%}" if period else "nothing" for period in (before, now)]
    counted = [period.volume if period else 0 for period in (before, now)]
    over = say_duration(condition.over)
    return f"too little to compare {over} with the {over} before: {_of_each(seen)} seen, {_of_each(counted)} counted"


def _of_each(two: Sequence[object]) -> str:
    return f"{two[0]} and {two[1]}"


def said(condition: Trend, mark: Mark) -> str:
    """Say what a mark found: `errors 150 > 120 in 1h (100 in the 1h before)`."""
    if mark.violates is None:
        return f"{condition.signal}: {mark.note}"
    sign = {(False, True): ">", (False, False): "<=", (True, True): "<", (True, False): ">="}
    value, limit = say_apart(mark.value, mark.limit, condition.dimension)
    compared = f"{value} {sign[condition.falls, mark.violates]} {limit}"
    return f"{condition.signal} {compared} in {say_duration(condition.over)} ({mark.note})"
