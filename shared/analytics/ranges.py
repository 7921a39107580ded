"""A range of time as callers write it, and how finely it can be shown."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from shared.analytics.buckets import Grain, Retention
from shared.errors import InvalidInput
from shared.model.quantity import say_duration

MOST_POINTS = 500
_SPANS = {"1h": timedelta(hours=1), "24h": timedelta(hours=24), "7d": timedelta(days=7)}
_SHORTEST = timedelta(minutes=1)
_FAST_CLOCK = timedelta(minutes=5)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|\+00:00)", re.ASCII)
_EXPECTED = "expected 1h, 24h, 7d, or FROM/TO in UTC, such as 2026-11-20T12:00:00Z/2026-11-20T18:00:00Z"
# Minutes are shown of at most this; more of them would cost more to read than anybody can see.
_LONGEST_BY_MINUTE = timedelta(hours=24)
# The period before is compared by the minute only when it is short.
_COMPARED_BY_MINUTE = timedelta(hours=3)
_STEPS_S = tuple(60 * minutes for minutes in (1, 2, 3, 5, 10, 15, 20, 30, 60, 120, 180, 360, 720, 1440))


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """A stretch of event time, its end not included.

    Attributes:
        written: As the caller wrote it.
    """

    since: datetime
    until: datetime
    written: str

    @property
    def span(self) -> timedelta:
        return self.until - self.since

    @property
    def before(self) -> "Range":
        """The range of the same length before it."""
        return Range(since=self.since - self.span, until=self.since, written=f"the {self.written} before")

    def holds(self, start: int, width_s: int) -> bool:
        """Tell whether any of a bucket lies in the range."""
        return self.since.timestamp() - width_s < start < self.until.timestamp()


def read_range(written: str, now: datetime, retention: Retention) -> Range:
    """Read `1h`, `24h`, `7d`, or an interval `FROM/TO` of ISO 8601 in UTC; what lies ahead of `now` is left out.

    Raises:
        InvalidInput: saying what is allowed.
    """
    if written in _SPANS:
        return Range(since=now - _SPANS[written], until=now, written=written)
    since, until = _interval(written)
    if until - since < _SHORTEST:
        raise InvalidInput("FROM must lie at least a minute before TO", where="range")
    if until > now + _FAST_CLOCK:
        raise InvalidInput(f"TO lies ahead; expected at most {_say(now)}", where="range")
    oldest = now - retention.longest
    if since < oldest:
        kept = say_duration(retention.longest)
        raise InvalidInput(f"FROM is older than what is kept, {kept}; expected at least {_say(oldest)}", where="range")
    return Range(since=since, until=min(until, now), written=written)


def _interval(written: str) -> tuple[datetime, datetime]:
    begin, _, end = written.partition("/")
    since, until = _moment_in(begin), _moment_in(end)
    if since is None or until is None:
        raise InvalidInput(_EXPECTED, where="range")
    return since, until


def _moment_in(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if _MOMENT.fullmatch(text) else None
    except ValueError:  # there is no such day, or hour
        return None


def _say(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def grain_of(shown: Range, now: datetime, retention: Retention) -> Grain:
    """Return the finest grain that is kept for all of a range, and takes few pages."""
    return _finest(shown, now, retention, _LONGEST_BY_MINUTE)


def grain_of_comparison(shown: Range, now: datetime, retention: Retention) -> Grain:
    """Return the grain by which the period before a range is read."""
    return _finest(shown.before, now, retention, _COMPARED_BY_MINUTE)


def _finest(shown: Range, now: datetime, retention: Retention, by_minute: timedelta) -> Grain:
    if shown.span <= by_minute and now - shown.since <= retention.minutes:
        return Grain.MINUTE
    return Grain.HOUR if now - shown.since <= retention.hours else Grain.DAY


def step_of(shown: Range, grain: Grain) -> int:
    """Return the seconds of a point: as few whole buckets as let the range have at most 500 points."""
    steps = [step for step in _STEPS_S if step >= grain.width_s]
    return next((step for step in steps if len(slots_of(shown, step)) <= MOST_POINTS), steps[-1])


def slots_of(shown: Range, step_s: int) -> range:
    """Return where the points of a range begin, in seconds of the epoch; the first and the last may reach beyond it."""
    first = int(shown.since.timestamp()) // step_s * step_s
    return range(first, -int(-shown.until.timestamp() // step_s) * step_s, step_s)
