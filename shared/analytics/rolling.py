"""Rolling up: every sample is counted exactly once, whenever it arrives and however often this is begun anew.

Samples are taken from the watch record, which keeps those of the last quarter of an hour and more. One is counted once
no later answer of its source revises it. The head names the samples that are counted and still kept there; one that is
kept there no more never comes back. So a sample that arrives late is counted late, in the minute of its event time;
one that arrives after its signal's samples of that time were dropped was never kept, and is not counted.

What is counted waits in the head, as an addition to what the pages hold, and is moved to the pages once an hour. The
head, the pages and what is removed are one commit with the version of the head: of two that roll up at once one wins,
and after a crash either all of it happened or nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from zlib import crc32

from shared.analytics.buckets import Buckets, ByGrain, Grain, Retention, buckets_of, merged_buckets
from shared.analytics.uptime import Uptime, critical_signals, uptime_by_minute
from shared.model.policy import Policy
from shared.model.signal import MOST_SAMPLES, Sample
from shared.model.watch import WatchState

# Buckets are moved this long after their hour ended: by then the samples of most sources are settled.
_SETTLED = timedelta(minutes=10)
# Written by one commit besides the head. What is more waits for the next hour.
_MOST_PAGES = 8
_MOST_REMOVED = 16
# The last words of signals are kept for a week; whoever is gone for longer than that is forgotten.
_FORGOTTEN = timedelta(days=8)
_HOUR_S = 3_600


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Which samples of a signal are counted.

    Attributes:
        closed_until: Nothing of this event time or before is counted any more.
        ids: Fingerprints of those after it that are.
    """

    closed_until: datetime
    ids: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """How far roll-ups of a workload are.

    Attributes:
        counted: By signal.
        timed_until: Event time up to which uptime is counted.
        moved_in: Hour of the epoch up to which buckets were moved to the pages.
        removed: By grain, the number of the last page that was removed, or never was.
        waiting: What is counted and stands on no page yet.
    """

    counted: dict[str, Counted] = field(default_factory=dict)
    timed_until: datetime | None = None
    moved_in: int = 0
    removed: dict[Grain, int] = field(default_factory=dict)
    waiting: dict[Grain, Buckets] = field(default_factory=dict)


# What leaves the head for the pages: buckets by grain and number of page.
type Pages = dict[tuple[Grain, int], Buckets]


def counted_on(head: Head, policy: Policy, state: WatchState, now: datetime) -> Head:
    """Return the head with everything counted that is settled and was not."""
    fresh = {
        name: list(_uncounted(samples, head.counted.get(name), now - policy.settled_after(name)))
        for name, samples in state.series.items()
        if name in policy.signals
    }
    uptime, timed_until = _uptime(head, policy, state, now)
    return replace(
        head,
        counted=_remembered(head, policy, state, fresh, now),
        timed_until=timed_until,
        waiting=added(head.waiting, buckets_of(fresh, uptime)),
    )


def not_counted_yet(head: Head, policy: Policy, state: WatchState, now: datetime) -> ByGrain:
    """Return what the samples come to that the head has not counted, settled or not."""
    fresh = {
        name: list(_uncounted(samples, head.counted.get(name), now))
        for name, samples in state.series.items()
        if name in policy.signals
    }
    begins = _timed_from(head, policy, state, now)
    return buckets_of(fresh, uptime_by_minute(critical_signals(policy), state.series, begins, now))


def added(one: Mapping[Grain, Buckets], other: Mapping[Grain, Buckets]) -> ByGrain:
    """Return the buckets of both, by grain."""
    return {grain: merged_buckets(one.get(grain, {}), other.get(grain, {})) for grain in Grain}


def moved(head: Head, now: datetime) -> tuple[Head, Pages]:
    """Return the head without the buckets that are over, once an hour, and where they go."""
    hour = int((now - _SETTLED).timestamp()) // _HOUR_S
    if hour <= head.moved_in:
        return head, {}
    pages: Pages = {}
    staying: ByGrain = {grain: {} for grain in Grain}
    for grain in Grain:
        for start, bucket in head.waiting.get(grain, {}).items():
            place = (grain, grain.page(start))
            is_over = start + grain.width_s <= hour * _HOUR_S
            if is_over and (place in pages or len(pages) < _MOST_PAGES):
                pages.setdefault(place, {})[start] = bucket
            else:
                staying[grain][start] = bucket
    return replace(head, moved_in=hour, waiting=staying), pages


def outdated(head: Head, retention: Retention, now: datetime) -> tuple[Head, list[tuple[Grain, int]]]:
    """Return the head, and the pages of which all is older than is kept: grain and number."""
    removed: dict[Grain, int] = {}
    pages: list[tuple[Grain, int]] = []
    for grain in Grain:
        last = grain.page(int((now - retention.of(grain)).timestamp())) - 1
        known = head.removed.get(grain, last)  # a head that is new has nothing behind it
        some = range(known + 1, min(last, known + _MOST_REMOVED) + 1)
        pages += [(grain, number) for number in some]
        removed[grain] = max(known, *some) if some else known
    return replace(head, removed=removed), pages


def _uncounted(samples: Sequence[Sample], counted: Counted | None, until: datetime) -> Iterable[Sample]:
    for sample in samples:
        is_known = counted is not None and (sample.at <= counted.closed_until or fingerprint(sample) in counted.ids)
        if sample.at <= until and not is_known:
            yield sample


def fingerprint(sample: Sample) -> int:
    """Return what tells a sample from the others of its signal that are kept at the same time."""
    return crc32(f"{sample.at.timestamp():.6f}|{sample.id}".encode(errors="replace"))


def _remembered(
    head: Head, policy: Policy, state: WatchState, fresh: Mapping[str, Sequence[Sample]], now: datetime
) -> dict[str, Counted]:
    """Return which samples are counted: those that are still kept of the known ones, and the fresh ones."""
    gone = {
        name: counted
        for name, counted in head.counted.items()
        if name not in fresh and counted.closed_until > now - _FORGOTTEN
    }
    return gone | {name: _counted(head, policy, state, name, some) for name, some in fresh.items()}


def _counted(head: Head, policy: Policy, state: WatchState, name: str, fresh: Sequence[Sample]) -> Counted:
    samples, known = state.series[name], head.counted.get(name)
    closed = state.cycled_at - policy.horizon(name)
    if len(samples) >= MOST_SAMPLES:  # the oldest are dropped for their number, whatever their age
        closed = max(closed, samples[0].at)
    if known is not None:
        closed = max(closed, known.closed_until)
    ids = (known.ids if known else frozenset()) | {fingerprint(sample) for sample in fresh}
    kept = {fingerprint(sample) for sample in samples if sample.at > closed}
    return Counted(closed_until=closed, ids=ids & kept)


def _uptime(head: Head, policy: Policy, state: WatchState, now: datetime) -> tuple[dict[int, Uptime], datetime | None]:
    critical = critical_signals(policy)
    if not critical:
        return {}, None
    begins = _timed_from(head, policy, state, now)
    ends = max(begins, now - max(one.lag for one in critical.values()))
    return uptime_by_minute(critical, state.series, begins, ends), ends


def _timed_from(head: Head, policy: Policy, state: WatchState, now: datetime) -> datetime:
    """Return from when on uptime is not counted yet: at first from the first sample, never before what is kept."""
    critical = critical_signals(policy)
    first = min((state.series[name][0].at for name in critical if state.series.get(name)), default=now)
    kept = max((state.cycled_at - policy.horizon(name) for name in critical), default=now)
    return max(first if head.timed_until is None else head.timed_until, kept)
