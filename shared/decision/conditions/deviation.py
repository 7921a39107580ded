"""A value that is off from what was expected: what it used to be at this time of day, or what was planned."""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from statistics import median

from shared.decision.conditions.line import Mark, View
from shared.decision.conditions.pools import exact, measured_of
from shared.decision.conditions.trailing import Interval, Trailing
from shared.model.conditions.deviation import Deviation, Worse
from shared.model.quantity import say_duration, say_value
from shared.model.signal import Sample

_DAY = timedelta(days=1)
# Of the time that a mean is taken over, and of the days that are looked at: with less, it is not known.
_LEAST_SEEN = 0.5


def marks(condition: Deviation, inputs: Mapping[str, Sequence[Sample]], view: View) -> list[Mark]:
    """Return a mark for every instant that has a measured sample of what is judged."""
    line = Trailing(inputs[condition.signal], condition.dimension, condition.pace)
    expected = _planned(condition, inputs[condition.planned]) if condition.planned else _usual(condition, line)
    first = view.first_wanted(line.instants)
    instants = zip(line.instants[first:], line.counts[first:], strict=True)
    return [_mark(condition, _seen(condition, line, at), expected(at), at, count) for at, count in instants]


def _seen(condition: Deviation, line: Trailing, at: datetime) -> Interval | None:
    """Return the interval that ends at a moment, if enough of it was seen."""
    found = line.between(at - condition.over, at)
    return found if found is not None and found.covered >= _LEAST_SEEN else None


def _usual(condition: Deviation, line: Trailing) -> Callable[[datetime], Fraction | None]:
    """Return what gives the median of the days before, at the same time of day."""

    def at_this_time(at: datetime) -> Fraction | None:
        days = (_seen(condition, line, at - day * _DAY) for day in range(1, condition.days + 1))
        known = [day.mean for day in days if day is not None]
        return median(known) if len(known) >= _LEAST_SEEN * condition.days else None

    return at_this_time


def _planned(condition: Deviation, samples: Sequence[Sample]) -> Callable[[datetime], Fraction | None]:
    """Return what gives the newest word of the plan, for as long as it stands."""
    words = [(sample.at, value) for sample, value in measured_of(samples)]
    moments = [at for at, _ in words]

    def as_planned(at: datetime) -> Fraction | None:
        newest = bisect_right(moments, at) - 1
        stands = newest >= 0 and at - moments[newest] <= condition.planned_for
        return Fraction(exact(words[newest][1])) if stands else None

    return as_planned


def _mark(condition: Deviation, now: Interval | None, was: Fraction | None, at: datetime, count: int) -> Mark:
    if now is None or was is None:
        value = float(now.mean) if now else 0.0
        return Mark(at, None, value, value, count, note=_unknown(condition, now))
    step = max(abs(was) * Fraction(exact(condition.by)), Fraction(exact(condition.at_least_by)))
    up = now.mean - was > step and condition.worse is not Worse.DOWN
    down = was - now.mean > step and condition.worse is not Worse.UP
    limit = was - step if _looks_down(condition, now.mean, was) else was + step
    note = _off(condition, now.mean, was)
    return Mark(at, up or down, float(now.mean), float(limit), count, before=now.volume - count, note=note)


def _looks_down(condition: Deviation, value: Fraction, was: Fraction) -> bool:
    return condition.worse is Worse.DOWN or (condition.worse is Worse.BOTH and value < was)


def _off(condition: Deviation, value: Fraction, was: Fraction) -> str:
    share = f"{float(abs(value - was) / abs(was) * 100):.4g} % " if was else ""
    side = "above" if value >= was else "below"
    return f"{share}{side} {_expected_by(condition)} {say_value(float(was), condition.dimension)}"


def _expected_by(condition: Deviation) -> str:
    return condition.planned or f"the median of this time on {condition.days} days before,"


def _unknown(condition: Deviation, now: Interval | None) -> str:
    if now is None:
        return f"less than half of {say_duration(condition.over)} was seen"
    if condition.planned:
        return f"{condition.planned} says nothing"
    return f"this time of day is known of fewer than half of {condition.days} days"


def said(condition: Deviation, mark: Mark) -> str:
    """Say what a mark found: `cost_per_job 0.031: 55 % above planned_cost 0.02 (allowed 25 %)`."""
    if mark.violates is None:
        return f"{condition.signal} cannot be compared: {mark.note}"
    allowed = f"allowed {condition.by * 100:.4g} %"
    if condition.at_least_by:
        allowed += f" and {say_value(condition.at_least_by, condition.dimension)}"
    return f"{condition.signal} {say_value(mark.value, condition.dimension)}: {mark.note} ({allowed})"
