"""The samples of one signal, for as long as something may still look at them."""

from bisect import bisect_right
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import islice

from shared.model.signal import MOST_SAMPLES, Outcome, Sample, Series


class Track:
    """Samples in event-time order, and which of them the watch would have kept at a moment.

    The watch takes a recorded sample in with the first cycle at or after its event time.
    """

    def __init__(self, keep: timedelta, reach: timedelta, lag: timedelta) -> None:
        """Begin without samples.

        Args:
            keep: For how long the watch keeps a sample.
            reach: For how long it is kept here: conditions are judged piece by piece.
            lag: How long after its event time it is there.
        """
        self.keep, self._reach, self._lag = keep, max(keep, reach), lag
        self._samples: list[Sample] = []
        self._ats: list[datetime] = []
        self._forgotten_at: datetime | None = None

    def add(self, fresh: Iterable[Sample]) -> None:
        """Add samples that are all later than those that are there; the same instant and id again is a revision."""
        found: dict[tuple[datetime, str], Sample] = {}
        for sample in fresh:
            known = found.get((sample.at, sample.id))
            if known is None or known.outcome is not Outcome.MEASURED or sample.outcome is Outcome.MEASURED:
                found[sample.at, sample.id] = sample
        self._samples += (found[key] for key in sorted(found))
        self._ats += (sample.at for sample in islice(self._samples, len(self._ats), None))

    def forget(self, now: datetime) -> None:
        """Drop what no cycle from a moment on looks at."""
        beyond = bisect_right(self._ats, now - self._reach)
        if beyond:
            self._forgotten_at = self._ats[beyond - 1]
            del self._samples[:beyond], self._ats[:beyond]

    def between(self, after: datetime, until: datetime) -> list[Sample]:
        """Return the samples in `(after, until]`."""
        return self._samples[bisect_right(self._ats, after) : bisect_right(self._ats, until)]

    def kept(self, now: datetime) -> Series:
        """Return what the watch has at a moment: no older than it keeps, and not more than it keeps."""
        first, end = self._bounds(now)
        return tuple(self._samples[first:end])

    def edge(self, now: datetime) -> datetime | None:
        """Return the event time of the newest sample that the watch has dropped by a moment, if it has dropped any."""
        first, _ = self._bounds(now)
        return self._ats[first - 1] if first else self._forgotten_at

    def oldest(self, now: datetime) -> datetime | None:
        """Return the event time of the oldest sample that the watch has at a moment, if it has any."""
        first, end = self._bounds(now)
        return self._ats[first] if first < end else None

    @property
    def shortest(self) -> timedelta:
        """The shortest time over which one more than as many samples lie as the watch keeps."""
        pairs = zip(self._ats, islice(self._ats, MOST_SAMPLES, None), strict=False)
        return min((late - early for early, late in pairs), default=timedelta.max)

    @property
    def first_at(self) -> datetime | None:
        return self._ats[0] if self._ats else None

    def _bounds(self, now: datetime) -> tuple[int, int]:
        end = bisect_right(self._ats, now - self._lag)
        return max(bisect_right(self._ats, now - self.keep, 0, end), end - MOST_SAMPLES), end
