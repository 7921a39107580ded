"""The judged line of a condition: at which moments it held, and how that is said.

Every kind obeys the same laws. A mark depends on nothing but samples at or before its own moment, on the start of the
change, and on what `View` says of the watch; nothing older than the condition's `looks_back` matters to it. Only
measured samples speak. Where they are too few the mark says neither yes nor no.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple


class Mark(NamedTuple):
    """What a condition says at one moment of event time.

    Attributes:
        violates: `None` where there is too little to say either way.
        value: What was held against `limit`.
        limit: The threshold, or what a baseline gave.
        count: Observations of this moment.
        before: Observations that it stands on besides, such as the rest of its pool.
        note: What the sentence adds, in words.
    """

    at: datetime
    violates: bool | None
    value: float
    limit: float
    count: int  # type: ignore[assignment]  # hides `tuple.count`, for which nobody asks
    before: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What is known besides the samples.

    Attributes:
        watermark: Event time up to which samples are settled.
        change_started: Of the change in progress, if there is one.
        watched_since: Since when the watch has been running without a break; `None` when that is not known.
        since: Only marks later than this are wanted: a kind may leave out the others, or give them as well.
    """

    watermark: datetime
    change_started: datetime | None = None
    watched_since: datetime | None = None
    since: datetime | None = None

    def first_wanted(self, moments: Sequence[datetime]) -> int:
        """Return the place of the first of some moments, in their order, at which a mark is wanted."""
        return 0 if self.since is None else bisect_right(moments, self.since)


def mean_of(marks: Sequence[Mark]) -> Mark:
    """Return the newest mark with the mean value of all of them, weighted by count, and the mean of what they met."""
    newest = marks[-1]
    limits = {mark.limit for mark in marks}
    limit = newest.limit if len(limits) == 1 else _mean([mark.limit for mark in marks], marks)
    return newest._replace(value=_mean([mark.value for mark in marks], marks), limit=limit)


def newest_of(marks: Sequence[Mark]) -> Mark:
    """Return the newest mark: for values that are not to be averaged."""
    return marks[-1]


def _mean(values: Sequence[float], marks: Sequence[Mark]) -> float:
    total = sum(mark.count for mark in marks)
    return sum(value * mark.count for value, mark in zip(values, marks, strict=True)) / total
