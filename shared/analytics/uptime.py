"""How long a workload was up, down, or not to be seen, by the event time of the samples of its critical signals.

It is *down* while the newest sample of some critical signal violates its threshold, whether or not that lasts long
enough to act on. It is *blind* while none does and a critical signal has nothing measured that is fresh: nobody can
say that it was up. It is up otherwise. Without a critical threshold there is no uptime: nobody said what down means.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from shared.model.conditions.threshold import Threshold
from shared.model.policy import Policy
from shared.model.signal import Sample
from shared.model.trigger import NoData, Tier


@dataclass(frozen=True, slots=True, kw_only=True)
class Uptime:
    """Seconds of event time by what was known of the workload in them."""

    up_s: float = 0.0
    down_s: float = 0.0
    blind_s: float = 0.0

    def __add__(self, other: "Uptime") -> "Uptime":
        return Uptime(
            up_s=self.up_s + other.up_s, down_s=self.down_s + other.down_s, blind_s=self.blind_s + other.blind_s
        )

    @property
    def share(self) -> float | None:
        """How much of the time that was seen it was up; `None` when nothing was seen."""
        seen = self.up_s + self.down_s
        return self.up_s / seen if seen else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Critical:
    """A signal by which down is told.

    Attributes:
        violates: Tells whether a value violates one of its critical thresholds.
        patience: How long a sample speaks for the time after it.
        lag: How far behind the clock its samples are settled.
    """

    violates: Callable[[float], bool]
    patience: timedelta
    lag: timedelta


class _State(StrEnum):
    UP = "up_s"
    DOWN = "down_s"
    BLIND = "blind_s"


def critical_signals(policy: Policy) -> dict[str, Critical]:
    """Return the signals by which down is told: those of critical thresholds, unless silence says nothing of them."""
    found: dict[str, list[Threshold]] = defaultdict(list)
    for rule in policy.rules:
        if rule.tier is Tier.CRITICAL and rule.no_data is NoData.BLIND and isinstance(rule.condition, Threshold):
            found[rule.signal].append(rule.condition)
    return {
        name: Critical(violates=_any_of(limits), patience=policy.signals[name].patience, lag=policy.settled_after(name))
        for name, limits in found.items()
    }


def _any_of(limits: Sequence[Threshold]) -> Callable[[float], bool]:
    return lambda value: any(limit.comparator.holds(value, limit.threshold) for limit in limits)


def uptime_by_minute(
    critical: Mapping[str, Critical], series: Mapping[str, Sequence[Sample]], begins: datetime, ends: datetime
) -> dict[int, Uptime]:
    """Return the uptime of every minute between two moments, by the second of the epoch at which the minute begins.

    Args:
        critical: The signals that tell; nothing comes of none.
        series: Their samples in event-time order, from `patience` before `begins`.
    """
    lines = [_Line(one, series.get(name, ())) for name, one in critical.items()]
    if not lines or begins >= ends:
        return {}
    found: dict[int, Uptime] = defaultdict(Uptime)
    moments = {moment for line in lines for moment in line.moments if begins < moment < ends}
    edges = sorted({begins, ends, *moments, *_minutes_between(begins, ends)})
    for since, until in pairwise(edges):
        state = _state([line.at(since) for line in lines])
        found[int(since.timestamp()) // 60 * 60] += Uptime(**{state.value: (until - since).total_seconds()})
    return dict(found)


class _Line:
    """What one signal says of every moment."""

    def __init__(self, critical: Critical, samples: Sequence[Sample]) -> None:
        known = [(sample.at, critical.violates(sample.value)) for sample in samples if sample.value is not None]
        worst: dict[datetime, bool] = {}
        for at, violates in known:  # of several at one instant the worst counts
            worst[at] = violates or worst.get(at, False)
        self._patience = critical.patience
        self._at = list(worst)
        self._violates = list(worst.values())

    @property
    def moments(self) -> Iterator[datetime]:
        """When what it says may change."""
        for at in self._at:
            yield at
            yield at + self._patience

    def at(self, moment: datetime) -> bool | None:
        """Tell whether it is violated at a moment; `None` when nothing fresh is known."""
        place = bisect_right(self._at, moment) - 1
        if place < 0 or moment >= self._at[place] + self._patience:
            return None
        return self._violates[place]


def _state(said: Sequence[bool | None]) -> _State:
    if True in said:
        return _State.DOWN
    return _State.BLIND if None in said else _State.UP


def _minutes_between(begins: datetime, ends: datetime) -> Iterator[datetime]:
    first = int(begins.timestamp()) // 60 + 1
    for minute in range(first, int(ends.timestamp()) // 60 + 1):
        moment = datetime.fromtimestamp(minute * 60, UTC)
        if begins < moment < ends:
            yield moment
