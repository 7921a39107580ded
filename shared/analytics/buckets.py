"""Buckets: what all signals of a workload came to in one minute, hour or day, and the pages that keep them.

A bucket is named by the second of the epoch (UTC) at which it begins. A page holds the buckets of a longer stretch, so
that a range of any length is a few pages; a page is one record.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from shared.analytics.rollup import Rollup, merged_by_signal, roll_up
from shared.analytics.uptime import Uptime
from shared.model.signal import Sample


class Grain(StrEnum):
    """How long a bucket is."""

    MINUTE = "minutes"
    HOUR = "hours"
    DAY = "days"

    @property
    def width_s(self) -> int:
        """Seconds of a bucket."""
        return _SHAPES[self][0]

    @property
    def page_s(self) -> int:
        """Seconds of a page: as many buckets of twenty signals as surely fit into one record."""
        return _SHAPES[self][1]

    def start(self, at: datetime) -> int:
        """Return the second of the epoch at which the bucket of a moment begins."""
        return int(at.timestamp()) // self.width_s * self.width_s

    def page(self, start: int) -> int:
        """Return the number of the page on which a bucket stands."""
        return start // self.page_s


_SHAPES = {Grain.MINUTE: (60, 3_600), Grain.HOUR: (3_600, 86_400), Grain.DAY: (86_400, 864_000)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long buckets are kept."""

    minutes: timedelta = timedelta(hours=48)
    hours: timedelta = timedelta(days=14)
    days: timedelta = timedelta(days=90)

    def of(self, grain: Grain) -> timedelta:
        """Return how long those of a grain are kept."""
        return {Grain.MINUTE: self.minutes, Grain.HOUR: self.hours, Grain.DAY: self.days}[grain]

    @property
    def longest(self) -> timedelta:
        return max(self.minutes, self.hours, self.days)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """What a workload came to in one minute, hour or day."""

    signals: dict[str, Rollup] = field(default_factory=dict)
    uptime: Uptime = field(default_factory=Uptime)


type Buckets = dict[int, Bucket]
type ByGrain = dict[Grain, Buckets]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Buckets of one grain that are over, as they are kept.

    Attributes:
        moved_in: The hour of the epoch up to which buckets had been moved when this page was written.
    """

    moved_in: int
    buckets: dict[int, Bucket] = field(default_factory=dict)


def merged_bucket(parts: Iterable[Bucket]) -> Bucket:
    """Return what all parts came to."""
    some = list(parts)
    return Bucket(
        signals=merged_by_signal(part.signals for part in some), uptime=sum((part.uptime for part in some), Uptime())
    )


def merged_buckets(one: Mapping[int, Bucket], other: Mapping[int, Bucket]) -> Buckets:
    """Return the buckets of both, in order of time."""
    return {
        start: merged_bucket(some[start] for some in (one, other) if start in some) for start in sorted({*one, *other})
    }


def buckets_of(samples: Mapping[str, Iterable[Sample]], uptime: Mapping[int, Uptime]) -> ByGrain:
    """Return what samples by signal, and uptime by minute, come to in buckets of every grain."""
    minutes: dict[int, dict[str, Rollup]] = defaultdict(dict)
    for name, some in samples.items():
        for start, kept in _by_minute(some).items():
            minutes[start][name] = roll_up(kept)
    found = {
        start: Bucket(signals=minutes.get(start, {}), uptime=uptime.get(start, Uptime()))
        for start in sorted({*minutes, *uptime})
    }
    return {grain: regrouped(found, grain.width_s) for grain in Grain}


def regrouped(buckets: Mapping[int, Bucket], width_s: int) -> Buckets:
    """Return buckets merged into wider ones, whose width is a multiple of theirs."""
    found: dict[int, list[Bucket]] = defaultdict(list)
    for start, bucket in buckets.items():
        found[start // width_s * width_s].append(bucket)
    return {start: merged_bucket(some) for start, some in found.items()}


def _by_minute(samples: Iterable[Sample]) -> dict[int, list[Sample]]:
    found: dict[int, list[Sample]] = defaultdict(list)
    for sample in samples:
        found[Grain.MINUTE.start(sample.at)].append(sample)
    return found


def moment(start: int) -> datetime:
    """Return when a bucket begins."""
    return datetime.fromtimestamp(start, UTC)
