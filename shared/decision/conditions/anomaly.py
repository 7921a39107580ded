"""One value far from what is usual: so many robust standard deviations, on the side or sides that are meant.

The median and the scale of `usual.py` take the place of the mean and the standard deviation, which the very outliers
that are looked for would move (Hampel, "The influence curve and its role in robust estimation", JASA 69, 1974). It
looks at one value at a time and spends no level over its looks: 2 sigmas are exceeded by chance in 1 of 44 values. A
trigger that acts should say `for` or be judged by `judge`.
"""

from collections.abc import Mapping, Sequence

from shared.decision.conditions.eras import Era, Value, eras_of
from shared.decision.conditions.line import Mark, View
from shared.decision.conditions.usual import Usual, usual_of
from shared.model.conditions.anomaly import Anomaly
from shared.model.conditions.before import LEAST_BASELINE
from shared.model.conditions.deviation import Worse
from shared.model.quantity import say_duration, say_value
from shared.model.signal import Sample

_FALLS = {Worse.UP: (False,), Worse.DOWN: (True,), Worse.BOTH: (False, True)}


def marks(condition: Anomaly, inputs: Mapping[str, Sequence[Sample]], view: View) -> list[Mark]:
    """Return a mark for every instant at which the signal was measured."""
    found: list[Mark] = []
    for era in eras_of(inputs[condition.signal], condition.before, view):
        sides = [usual_of(era.usual, condition.dimension, falls=falls) for falls in _FALLS[condition.worse]]
        known = [side for side in sides if side is not None]
        wanted = era.values[era.first_wanted(view) :]
        found += [_mark(condition, known, value) for value in wanted] if known else _unknown(condition, era)
    return found


def _unknown(condition: Anomaly, era: Era) -> list[Mark]:
    span = say_duration(condition.before.baseline)
    note = f"{len(era.usual)} of {LEAST_BASELINE} samples that are needed lie in the {span} before"
    return [Mark(v.at, None, v.value, v.value, v.count, note=note) for v in era.values]


def _mark(condition: Anomaly, sides: Sequence[Usual], value: Value) -> Mark:
    usual = max(sides, key=lambda side: side.sigmas(value))
    sigmas = usual.sigmas(value)
    matters = any(side.matters(value.value, condition.by, condition.by) for side in sides)
    violates = sigmas > condition.sigmas and matters
    return Mark(value.at, violates, value.value, usual.level, value.count, note=f"{sigmas:.1f} sigmas")


def said(condition: Anomaly, mark: Mark) -> str:
    """Say what a mark found: `p95 900 ms, usually 210 ms (5.2 sigmas > 3)`."""
    if mark.violates is None:
        return f"{condition.signal} cannot be judged: {mark.note}"
    value, usual = say_value(mark.value, condition.dimension), say_value(mark.limit, condition.dimension)
    limit = f" > {condition.sigmas:g}" if mark.violates else f", {condition.sigmas:g} are allowed"
    return f"{condition.signal} {value}, usually {usual} ({mark.note}{limit})"
