"""What a workload measured over a range of time: newest values, points for charts, what fired, insights, status.

A range of any length takes at most six reads: the watch record, the head of the roll-ups, the pages of the range, those
of the period before, the events; and the head once more, when a page was written after it was read.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.analytics.buckets import Buckets, ByGrain, Grain, Page, Retention, merged_buckets
from shared.analytics.episodes import Episode, episodes_of
from shared.analytics.insights import Told, insights_of
from shared.analytics.points import Chart, chart_of
from shared.analytics.ranges import Range, grain_of, grain_of_comparison, read_range
from shared.analytics.rolling import Head, added, not_counted_yet
from shared.clock import Clock
from shared.engine.records import EVENT, WATCH, decode
from shared.engine.rollups import HEAD, pages_of
from shared.model.event import Event
from shared.model.policy import Policy, policy_of
from shared.model.quantity import Dimension
from shared.model.signal import Sample
from shared.model.watch import WatchState
from shared.ports import Ledger, Row

Json = dict[str, Any]
_MOST_EVENTS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """What the pages hold of some stretch, and up to when anything had been moved there."""

    buckets: Buckets
    moved_in: int


@dataclass(frozen=True, slots=True)
class MetricsView:
    """Reads roll-ups and shows them."""

    ledger: Ledger
    policies: Callable[[], Mapping[str, Policy]]
    clock: Clock
    retention: Retention

    def of(self, workload: str, written: str) -> Json:
        """What a workload measured over a range.

        Args:
            written: `1h`, `24h`, `7d` or `FROM/TO`.

        Raises:
            NotFound: no such workload.
            InvalidInput: no range that is kept; says what is allowed.
            TransientError: the storage does not answer.
            PermanentError: a record cannot be read.
        """
        policy, now = policy_of(self.policies(), workload), self.clock()
        shown = read_range(written, now, self.retention)
        state = _decoded(WatchState, self.ledger.read(workload, WATCH))
        fine, coarse = grain_of(shown, now, self.retention), grain_of_comparison(shown, now, self.retention)
        # Where both are of one grain, what stands for it is the stretch before: it is read from its beginning to now.
        by_grain = self._buckets(policy, state, {fine: shown, coarse: shown.before}, now)
        chart = chart_of(_within(by_grain[fine], shown, fine), fine, shown, policy.signals)
        told = Told(
            shown=shown,
            chart=chart,
            now=_within(by_grain[fine], shown, fine),
            before=_within(by_grain[coarse], shown.before, coarse),
        )
        return {
            "range": {"since": shown.since, "until": shown.until, "grain": fine},
            "current": {name: _current(policy, state, name) for name in policy.signals},
            "historical": _historical(chart),
            "alerts": [_alert(one) for one in self._episodes(workload, state, shown)],
            "insights": insights_of(policy, told),
            "status": _status(state, now),
        }

    def _buckets(self, policy: Policy, state: WatchState, stretches: Mapping[Grain, Range], now: datetime) -> ByGrain:
        """Return the buckets of some grains: what the pages hold, what waits for them, what is not even counted."""
        head = _decoded(Head, self.ledger.read(policy.workload, HEAD))
        pages = {grain: self._pages(policy.workload, grain, some.since, now) for grain, some in stretches.items()}
        if any(found.moved_in > head.moved_in for found in pages.values()):
            # Between the two reads buckets were moved: what waited in this head is on the pages by now.
            head = _decoded(Head, self.ledger.read(policy.workload, HEAD))
        fresh = added(head.waiting, not_counted_yet(head, policy, state, now))
        return {grain: merged_buckets(found.buckets, fresh[grain]) for grain, found in pages.items()}

    def _pages(self, workload: str, grain: Grain, since: datetime, now: datetime) -> _Read:
        """Read the pages from some moment on: the newest come first. Where some are missing, a few more are read."""
        most = grain.page(grain.start(now)) - grain.page(grain.start(since)) + 1
        rows = self.ledger.scan(workload, pages_of(grain), limit=most)
        pages = [decode(Page, row.body) for row in rows]
        buckets = {start: bucket for page in pages for start, bucket in page.buckets.items()}
        return _Read(buckets=buckets, moved_in=max((page.moved_in for page in pages), default=0))

    def _episodes(self, workload: str, state: WatchState, shown: Range) -> list[Episode]:
        events = [decode(Event, row.body) for row in self.ledger.scan(workload, EVENT, limit=_MOST_EVENTS)]
        return episodes_of(events, state.readings, shown)


def _decoded[T](kind: type[T], row: Row | None) -> T:
    return decode(kind, row.body) if row else kind()


def _within(buckets: Buckets, shown: Range, grain: Grain) -> Buckets:
    return {start: bucket for start, bucket in buckets.items() if shown.holds(start, grain.width_s)}


_UNITS = {Dimension.SHARE: "share", Dimension.LATENCY: "ms", Dimension.NUMBER: "number"}


def _current(policy: Policy, state: WatchState, name: str) -> Json:
    """The newest word of a signal, and what its triggers make of it."""
    newest: Sample | None = next(reversed(state.series.get(name, ())), None)
    rules = {rule.name for rule in policy.rules if rule.signal == name}
    return {
        "unit": _UNITS[policy.signals[name].measures.dimension],
        "at": newest.at if newest else None,
        "outcome": newest.outcome if newest else None,
        "value": newest.value if newest else None,
        "count": newest.count if newest else 0,
        "note": newest.note if newest else "nothing arrived yet",
        "triggers": {reading.name: reading.state for reading in state.readings if reading.name in rules},
    }


def _historical(chart: Chart) -> Json:
    lines = {
        name: {"mean": line.mean, "low": line.low, "high": line.high, "count": line.count, "missed": line.missed}
        for name, line in chart.lines.items()
    }
    return {"step_s": chart.step_s, "at": chart.at, "up": chart.up, "signals": lines}


def _alert(one: Episode) -> Json:
    return {
        "kind": one.kind,
        "name": one.name,
        "began": one.began,
        "fired": one.fired,
        "ended": one.ended,
        "sentence": one.sentence,
    }


def _status(state: WatchState, now: datetime) -> Json:
    return {
        "verdict": state.verdict,
        "sentence": state.sentence,
        "since": state.since,
        "cycled_at": state.cycled_at,
        "age_s": round((now - state.cycled_at).total_seconds(), 3),
    }
