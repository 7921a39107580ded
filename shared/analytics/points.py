"""A range as points for a chart: at most 500, evenly apart, and where nothing was measured there is a gap."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import fsum

from shared.analytics.buckets import Bucket, Grain, moment
from shared.analytics.ranges import Range, slots_of, step_of
from shared.analytics.rollup import Rollup
from shared.analytics.uptime import Uptime


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One signal, a value for each point; `None` is a gap. Values are in the product's own unit.

    Attributes:
        mean: Weighted by observations.
        low, high: The least and the greatest value in the point's time: down-sampling hides no peak.
        count: Observations.
        missed: Samples whose source had nothing, or could not be asked.
    """

    mean: tuple[float | None, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]
    count: tuple[int, ...]
    missed: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A range to be drawn.

    Attributes:
        step_s: Seconds from one point to the next.
        at: When each point begins.
        up: Share of the seen time of each point that the workload was up; `None` where nothing was seen.
        lines: By signal.
    """

    step_s: int
    at: tuple[datetime, ...]
    up: tuple[float | None, ...]
    lines: dict[str, Line]


def chart_of(buckets: Mapping[int, Bucket], grain: Grain, shown: Range, signals: Iterable[str]) -> Chart:
    """Return a range as points: neighbouring buckets are merged until there are at most 500 of them."""
    step_s = step_of(shown, grain)
    slots = slots_of(shown, step_s)
    found: dict[int, list[Bucket]] = defaultdict(list)
    for start, bucket in buckets.items():
        found[start // step_s * step_s].append(bucket)
    points = [found.get(start, []) for start in slots]
    return Chart(
        step_s=step_s,
        at=tuple(map(moment, slots)),
        up=tuple(sum((part.uptime for part in point), Uptime()).share for point in points),
        lines={name: _line([_of_signal(point, name) for point in points]) for name in signals},
    )


def _of_signal(point: Sequence[Bucket], name: str) -> list[Rollup]:
    return [part.signals[name] for part in point if name in part.signals]


def _line(points: Sequence[Sequence[Rollup]]) -> Line:
    return Line(
        mean=tuple(map(_mean, points)),
        low=tuple(min((part.low for part in point if part.low is not None), default=None) for point in points),
        high=tuple(max((part.high for part in point if part.high is not None), default=None) for point in points),
        count=tuple(sum(part.count for part in point) for point in points),
        missed=tuple(sum(part.no_data + part.error for part in point) for point in points),
    )


def _mean(point: Sequence[Rollup]) -> float | None:
    count = sum(part.count for part in point)
    return fsum(part.total for part in point) / count if count else None
