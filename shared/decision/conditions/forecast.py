"""When a signal will reach its limit, if it goes on as it did.

The slope is the median of the slopes between all pairs of points (Theil 1950; Sen, "Estimates of the regression
coefficient based on Kendall's tau", JASA 63, 1968), which a few wild points do not move. There is a slope at
all only where the signs of those slopes say so (Mann 1945; Kendall, "Rank correlation methods", 1975, with its
correction for ties): noise without a trend goes nowhere. The points are means over pieces of `fit`, at most 24, so that
a long line is judged in one pass and neighbouring samples, which are never independent, do not count as many.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import combinations
from math import sqrt
from statistics import median

from shared.decision.conditions.line import Mark, View
from shared.decision.conditions.pools import measured_of
from shared.model.conditions.forecast import PIECES, Forecast
from shared.model.quantity import say_duration, say_value
from shared.model.signal import Sample

# With fewer points than this there is no trend to speak of.
LEAST_POINTS = PIECES // 2
# In standard deviations of the sum of signs: noise goes so far once in about 700 looks.
_LEAST_SIGNS = 3.0
_EPOCH = datetime.fromtimestamp(0, UTC)
_HOUR = timedelta(hours=1)
_DAYS_FROM = 72


@dataclass(frozen=True, slots=True)
class Line:
    """A straight line through pieces of time, counted from 1970."""

    slope: float
    start: float

    def at(self, piece: float) -> float:
        return self.start + self.slope * piece


def marks(condition: Forecast, inputs: Mapping[str, Sequence[Sample]], view: View) -> list[Mark]:
    """Return a mark for every measured sample, judged by the pieces that had ended by then."""
    del view
    width = condition.width
    heard = [(sample.at, value, sample.count) for sample, value in measured_of(inputs[condition.signal])]
    points = _points(heard, width)
    ends = [piece for piece, _ in points]
    lines: dict[int, Line | None] = {}
    found = []
    for at, value, count in heard:
        piece = _piece(at, width)
        if piece not in lines:
            known = points[bisect_left(ends, piece - PIECES) : bisect_left(ends, piece)]
            lines[piece] = fitted(known) if len(known) >= LEAST_POINTS else None
        found.append(_mark(condition, lines[piece], at, value, count))
    return found


def _piece(at: datetime, width: timedelta) -> int:
    """Return which piece of time a moment belongs to: the one that it ends, or lies within."""
    return -((_EPOCH - at) // width) - 1


def _points(heard: Sequence[tuple[datetime, float, int]], width: timedelta) -> list[tuple[int, float]]:
    """Return the mean of each piece that has samples, weighted by count."""
    totals: dict[int, tuple[float, int]] = {}
    for at, value, count in heard:
        total, counted = totals.get(_piece(at, width), (0.0, 0))
        totals[_piece(at, width)] = total + value * count, counted + count
    return [(piece, total / counted) for piece, (total, counted) in totals.items()]


def fitted(points: Sequence[tuple[int, float]]) -> Line:
    """Return the line through points, level where they show no trend."""
    pairs = [(later[1] - earlier[1], later[0] - earlier[0]) for earlier, later in combinations(points, 2)]
    signs = sum((rise > 0) - (rise < 0) for rise, _ in pairs)
    slope = median(rise / run for rise, run in pairs) if _is_trend(signs, [value for _, value in points]) else 0.0
    # Half a piece later: a mean speaks of the middle of its piece.
    return Line(slope, median(value - slope * (piece + 0.5) for piece, value in points))


def _is_trend(signs: int, values: Sequence[float]) -> bool:
    def spread(n: int) -> int:
        return n * (n - 1) * (2 * n + 5)

    variance = (spread(len(values)) - sum(spread(ties) for ties in Counter(values).values())) / 18
    return variance > 0 and (abs(signs) - 1) / sqrt(variance) >= _LEAST_SIGNS


def _mark(condition: Forecast, line: Line | None, at: datetime, value: float, count: int) -> Mark:
    reached = condition.comparator.holds(value, condition.threshold)
    if line is None:
        note = f"fewer than {LEAST_POINTS} of {PIECES} parts of {say_duration(condition.fit)} were seen"
        return Mark(at, True if reached else None, value, condition.threshold, count, note="" if reached else note)
    here = (at - _EPOCH) / condition.width
    ahead = line.at(here + condition.within / condition.width)
    violates = reached or condition.comparator.holds(ahead, condition.threshold)
    if violates:
        note = "" if reached else _in(_until(condition, line, here) * condition.width)
    else:
        note = f"at {say_value(ahead, condition.dimension)} in {say_duration(condition.within)}"
    return Mark(at, violates, value, condition.threshold, count, note=note)


def _until(condition: Forecast, line: Line, here: float) -> float:
    """Return how many pieces of time lie before the limit; none where the line is beyond it already."""
    return max(0.0, (condition.threshold - line.at(here)) / line.slope) if line.slope else 0.0


def _in(span: timedelta) -> str:
    hours = span / _HOUR
    return f"in {hours:.0f} h" if hours < _DAYS_FROM else f"in {hours / 24:.0f} days"


def said(condition: Forecast, mark: Mark) -> str:
    """Say what a mark found: `storage_gb 88 reaches 95 in 31 h (looked 7d ahead)`."""
    name, limit = condition.signal, say_value(condition.threshold, condition.dimension)
    value = f"{name} {say_value(mark.value, condition.dimension)}"
    if mark.violates is None:
        return f"{value} goes nobody knows where: {mark.note}"
    if not mark.violates:
        return f"{value} does not reach {limit}: {mark.note}"
    if not mark.note:
        return f"{value} {condition.comparator} {limit} already"
    return f"{value} reaches {limit} {mark.note} (looked {say_duration(condition.within)} ahead)"
