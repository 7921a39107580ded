"""Several things that may be wrong, how many of them are, and how sure that makes.

Each issue adds 0.3 to the confidence, up to 1; what is recommended follows from it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter

from shared.decision.conditions.line import Mark, View
from shared.decision.conditions.pools import measured_of
from shared.model.conditions.issues import Issue, Issues
from shared.model.quantity import say_apart
from shared.model.signal import Sample

_CONFIDENCE_OF_ONE = 0.3
_Newest = dict[str, tuple[datetime, float]]
_ACTIONS = ((0.9, "immediate"), (0.6, "gradual"), (0.0, "monitor"))


def confidence_of(issues: int) -> float:
    """Return how sure so many issues make that something is wrong: 0 to 1."""
    return min(1.0, _CONFIDENCE_OF_ONE * issues)


def action_of(confidence: float) -> str:
    """Return what is recommended: `immediate` from three issues on, `gradual` for two, else `monitor`."""
    return next(action for least, action in _ACTIONS if confidence >= least - 1e-9)


def marks(condition: Issues, inputs: Mapping[str, Sequence[Sample]], view: View) -> list[Mark]:
    """Return a mark for every instant at which one of the signals was measured.

    An issue whose signal has no fresh value is unknown: the others say yes or no without it, or nothing is said.
    """
    del view
    heard = sorted(
        ((s.at, name, s.count, value) for name in condition.inputs for s, value in measured_of(inputs[name])),
        key=itemgetter(0),
    )
    newest: _Newest = {}
    found: list[Mark] = []
    for at, together in groupby(heard, key=itemgetter(0)):
        arrived = list(together)
        newest.update({name: (at, value) for _, name, _, value in arrived})
        found.append(_mark(condition, newest, at, sum(count for _, _, count, _ in arrived)))
    return found


def _mark(condition: Issues, newest: _Newest, at: datetime, count: int) -> Mark:
    known = [(issue, value) for issue in condition.issues if (value := _value(issue, newest, at)) is not None]
    there = [(issue, value) for issue, value in known if issue.bound.holds(value)]
    unknown = len(condition.issues) - len(known)
    enough = len(there) >= condition.least
    violates = enough if enough or len(there) + unknown < condition.least else None
    note = ", ".join(_compared(issue, value) for issue, value in there)
    return Mark(at, violates, float(len(there)), float(condition.least), count, note=note)


def _value(issue: Issue, newest: _Newest, at: datetime) -> float | None:
    heard_at, value = newest.get(issue.signal, (None, 0.0))
    return value if heard_at is not None and at - heard_at < issue.fresh else None


def _compared(issue: Issue, value: float) -> str:
    said_value, limit = say_apart(value, issue.bound.value, issue.dimension)
    return f"{issue.signal} {said_value} {issue.bound.comparator} {limit}"


def said(condition: Issues, mark: Mark) -> str:
    """Say it: `2 of 4 issues (min 2; confidence 0.6, gradual): error_rate 0.31 > 0.05, p95 2.4 s > 2.0 s`."""
    confidence = confidence_of(int(mark.value))
    sure = f"confidence {confidence:.1f}, {action_of(confidence)}"
    unknown = ", others unknown" if mark.violates is None else ""
    counted = f"{mark.value:.0f} of {len(condition.issues)} issues"
    named = mark.note or f"none of {', '.join(condition.inputs)}"
    return f"{counted} (min {condition.least}{unknown}; {sure}): {named}"
