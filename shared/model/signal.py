"""A signal is a named measurement; a sample is one value of it at an event time.

A sample that could not be taken says so: it is `no_data` (the source answered and had nothing) or `error` (the source
did not answer usefully). It never carries a made-up zero.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise


class Outcome(StrEnum):
    """Whether a sample carries a value, and if not, why."""

    MEASURED = "measured"
    NO_DATA = "no_data"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of a signal.

    Attributes:
        at: Event time, the moment that the value speaks of (the end of the interval for an aggregate).
        outcome: Only a `measured` sample has a value.
        value: In the product's own unit: share 0..1, latency in milliseconds, or a plain number.
        count: How many requests or observations the value stands on.
        id: Tells two samples of the same instant apart; the same `at` and `id` again revises the first.
        note: Why there is no value, or anything that helps a person.
    """

    at: datetime
    outcome: Outcome
    value: float | None = None
    count: int = 1
    id: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        if (self.outcome is Outcome.MEASURED) != (self.value is not None):
            raise ValueError("a sample has a value exactly when it is measured")
        if self.value is not None and not math.isfinite(self.value):
            raise ValueError("a measured value is a finite number")


def measured(at: datetime, value: float, count: int = 1, *, sample_id: str = "") -> Sample:
    """Return a measured sample, or an `error` sample when the value is not a finite number or stands on nothing."""
    if not math.isfinite(value):
        return Sample(
            at, Outcome.ERROR, count=0, id=sample_id, note=f"the source delivered {value}, which is no number"
        )
    if count < 1:
        return Sample(at, Outcome.NO_DATA, count=0, id=sample_id, note="nothing was counted")
    return Sample(at, Outcome.MEASURED, value, count, sample_id)


def no_data(at: datetime, note: str) -> Sample:
    """Return the sample of a source that answered and had nothing to say."""
    return Sample(at, Outcome.NO_DATA, count=0, note=note)


def failed(at: datetime, note: str) -> Sample:
    """Return the sample of a source that could not be asked."""
    return Sample(at, Outcome.ERROR, count=0, note=note)


Series = tuple[Sample, ...]
MOST_SAMPLES = 2_000
# Of all signals of a workload: a sample takes some 24 bytes of the 1 MiB that their record may have once compressed.
MOST_KEPT = 36_000


def merge(series: Series, fresh: Iterable[Sample], *, now: datetime, keep: timedelta) -> Series:
    """Return the series with new samples in event-time order; later arrivals revise earlier ones.

    Samples older than `keep` before `now` are dropped, and so are the oldest beyond 2,000: a record in Table Storage
    holds at most 1 MiB, and no sensible rule looks at more.

    Args:
        series: As an earlier call left it, or nothing.
    """
    new, oldest = list(fresh), now - keep
    if _goes_on(series, new):
        kept = (*series, *new)
        return kept[bisect_right(kept, oldest, key=_at) :][-MOST_SAMPLES:]
    by_identity = {(sample.at, sample.id): sample for sample in series}
    for sample in new:
        known = by_identity.get((sample.at, sample.id))
        if known is None or known.outcome is not Outcome.MEASURED or sample.outcome is Outcome.MEASURED:
            by_identity[sample.at, sample.id] = sample
    of_late = (sample for sample in by_identity.values() if sample.at > oldest)
    return tuple(sorted(of_late, key=lambda sample: (sample.at, sample.id)))[-MOST_SAMPLES:]


def _goes_on(series: Series, new: Sequence[Sample]) -> bool:
    """Tell whether what is new stands in order and behind all that is known, as nearly always."""
    moments = [sample.at for sample in (*series[-1:], *new)]
    return all(earlier < later for earlier, later in pairwise(moments))


def _at(sample: Sample) -> datetime:
    return sample.at
