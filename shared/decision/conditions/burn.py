"""Multi-window burn rate: how many times faster than allowed the budget of an objective is used up.

The budget is what the objective leaves, 0.1 % of 99.9 %; a burn rate of 1 uses it up in just the period of the
objective. It fires while both a long window (enough was lost to matter) and a short one (it is still being lost) burn
faster than the rate. The windows and rates are those of "Alerting on SLOs", chapter 5 of The Site Reliability Workbook
(Beyer et al., 2018), its sixth approach: https://sre.google/workbook/alerting-on-slos/.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from fractions import Fraction

from shared.decision.conditions.decimals import Limit, quotient
from shared.decision.conditions.line import Mark, View
from shared.decision.conditions.pools import exact
from shared.decision.conditions.trailing import Interval, Trailing
from shared.model.conditions.burn import Burn
from shared.model.quantity import Dimension, say_duration
from shared.model.signal import Sample

# A short window of which less was seen says nothing good.
_LEAST_SEEN = 0.5
# Far more than floats are off by.
_NEAR = 1e-9


def marks(condition: Burn, inputs: Mapping[str, Sequence[Sample]], view: View) -> list[Mark]:
    """Return a mark for every instant that has a measured sample.

    Time that nobody has seen counts as free of failures where it would fire: a new workload fires no sooner than one
    that was well before. That is no health: until the short window is half seen there is no word either way.
    """
    line = Trailing(inputs[condition.signal], Dimension.SHARE, condition.pace)
    objective, rate = Limit.of(condition.objective), Limit.of(condition.rate)
    budget = Limit(objective.parts - objective.digits, objective.parts)
    first = view.first_wanted(line.instants)
    instants = zip(line.instants[first:], line.counts[first:], strict=True)
    return [_mark(condition, (budget, rate), line, at, count) for at, count in instants]


def _mark(condition: Burn, of: tuple[Limit, Limit], line: Trailing, at: datetime, count: int) -> Mark:
    windows = [window for length in (condition.long, condition.short) if (window := _window(line, at, length))]
    budget, rate = of
    seen = windows[-1].covered >= _LEAST_SEEN
    burns = [quotient(window.total * budget.parts, window.weight * budget.digits) for window in windows]
    burnt = min(burns)
    certain = min(burn * window.covered for burn, window in zip(burns, windows, strict=True))
    if _is_near(certain, condition.rate) or _is_near(burnt, condition.rate):
        fires, quiet = _exactly(windows, budget, rate)
    else:
        fires, quiet = certain > condition.rate, burnt <= condition.rate
    violates = True if fires else False if seen and quiet else None
    told = certain if violates else burnt
    return Mark(at, violates, told, condition.rate, count, before=windows[0].volume - count)


def _is_near(burn: float, rate: float) -> bool:
    """Tell whether two numbers are so close that they must be compared in exact ones."""
    return abs(burn - rate) <= _NEAR * max(abs(burn), abs(rate))


def _exactly(windows: Sequence[Interval], budget: Limit, rate: Limit) -> tuple[bool, bool]:
    """Tell whether all windows surely burn faster, and whether one of them does not, at the edge."""
    allowed = Fraction(budget.digits * rate.digits, budget.parts * rate.parts)
    certain = [window.mean * Fraction(window.covered) for window in windows]
    return min(certain) > allowed, min(window.mean for window in windows) <= allowed


def _window(line: Trailing, at: datetime, length: timedelta) -> Interval | None:
    return line.between(at - length, at)


def said(condition: Burn, mark: Mark) -> str:
    """Say what a mark found: `error_rate burns 20.2 > 14.4 times its budget of 0.1 % in 1h and 5m`."""
    budget = float((1 - Fraction(exact(condition.objective))) * 100)
    windows = f"{say_duration(condition.long)} and {say_duration(condition.short)}"
    of_budget = f"times its budget of {budget:.6g} % in {windows}"
    if mark.violates is None:
        return f"{condition.signal} burns {mark.value:.4g} {of_budget}, but too little of that was seen"
    burns = f"{mark.value:.4g}" if f"{mark.value:.4g}" != f"{mark.limit:.4g}" else f"{mark.value:.9g}"
    return f"{condition.signal} burns {burns} {'>' if mark.violates else '<='} {mark.limit:.4g} {of_budget}"
