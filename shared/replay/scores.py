"""How good a policy is on a recording of which it is known when something was wrong.

An alarm is the moment at which the policy begins to take back, or to ask whether to; and at which observe-only mode
keeps it from that. A watch is alarmed by one that is raised within it: one that stands from before says nothing new.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from shared.decision.guards import OBSERVING
from shared.model.decision import Action
from shared.model.event import EventKind
from shared.replay.exact import Bounds, of_rate, of_share
from shared.replay.labels import Watch
from shared.replay.player import Played
from shared.replay.walk import Moment

MONTH = timedelta(days=30)
_RAISED = frozenset({EventKind.DECIDED, EventKind.ASKED})


@dataclass(frozen=True, slots=True)
class Alarm:
    """A moment at which a policy asked for a rollback, and the trigger by which."""

    at: datetime
    trigger: str


class Tally:
    """Listens to a replay, and keeps its alarms and what was held back."""

    def __init__(self) -> None:
        self.alarms: list[Alarm] = []
        self.held_back: Counter[str] = Counter()
        self.verdicts: Counter[str] = Counter()

    def __call__(self, moment: Moment) -> None:
        decision = moment.decision
        kinds = {event.kind for event in moment.events}
        held_back = EventKind.HELD_BACK in kinds and decision.action is Action.CONTINUE
        if decision.trigger is not None and (kinds & _RAISED or (held_back and decision.limitation == OBSERVING)):
            self.alarms.append(Alarm(moment.at, decision.trigger.name))
        elif held_back and decision.limitation:
            self.held_back[_without_numbers(decision.limitation)] += 1


def _without_numbers(limitation: str) -> str:
    """Return what a limitation is about: the same words for every time that it holds something back."""
    told = limitation.partition(":")[0].partition(";")[0]
    return " ".join("..." if any(letter.isdigit() for letter in word) else word for word in told.split())


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """So many of so many, with exact 95 % bounds."""

    hits: int
    of: int

    @property
    def value(self) -> float | None:
        return self.hits / self.of if self.of else None

    @property
    def bounds(self) -> Bounds:
        return of_share(self.hits, self.of)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """How good a policy is.

    Attributes:
        recall: Faulty watches that were alarmed.
        false_alarms: Watches of nothing wrong that were alarmed all the same.
        stray: Alarms outside of faulty watches.
        quiet: The time outside of faulty watches.
        delays: From the beginning of each faulty watch that was alarmed to its first alarm, shortest first.
    """

    recall: Share
    false_alarms: Share
    stray: int
    quiet: timedelta
    delays: tuple[timedelta, ...]

    @property
    def per_month(self) -> float | None:
        """False alarms in thirty quiet days."""
        return self.stray / (self.quiet / MONTH) if self.quiet else None

    @property
    def per_month_bounds(self) -> Bounds:
        return of_rate(self.stray, self.quiet / MONTH)

    def delay(self, share: float) -> timedelta | None:
        """Return the nearest-rank quantile of the delays (Hyndman and Fan, 1996, definition 1)."""
        return self.delays[max(0, ceil(share * len(self.delays)) - 1)] if self.delays else None


def scores_of(alarms: Sequence[Alarm], watches: Sequence[Watch], played: Played) -> Scores:
    """Hold alarms against what is known.

    Args:
        alarms: In order of time.
        watches: In order of time, none within another.
    """
    moments = [alarm.at for alarm in alarms]
    raised = {watch.since: _first_within(moments, watch) for watch in watches}
    faulty, quiet = ([watch for watch in watches if watch.faulty is kind] for kind in (True, False))
    delays = sorted(at - watch.since for watch in faulty if (at := raised[watch.since]) is not None)
    false = sum(raised[watch.since] is not None for watch in quiet)
    stray = sum(not any(watch.since <= at < watch.until for watch in faulty) for at in moments)
    return Scores(
        recall=Share(hits=len(delays), of=len(faulty)),
        false_alarms=Share(hits=false, of=len(quiet)),
        stray=stray,
        quiet=_outside(faulty, played),
        delays=tuple(delays),
    )


def _first_within(moments: Sequence[datetime], watch: Watch) -> datetime | None:
    place = bisect_left(moments, watch.since)
    return moments[place] if place < len(moments) and moments[place] < watch.until else None


def _outside(faulty: Sequence[Watch], played: Played) -> timedelta:
    if played.first is None or played.last is None:
        return timedelta(0)
    first, last = played.first, played.last
    within = sum(
        (max(timedelta(0), min(watch.until, last) - max(watch.since, first)) for watch in faulty), timedelta(0)
    )
    return last - first - within


NOTHING_KNOWN = Scores(
    recall=Share(hits=0, of=0), false_alarms=Share(hits=0, of=0), stray=0, quiet=timedelta(0), delays=()
)


def figures_of(scores: Scores) -> Mapping[str, float | None]:
    """Return the figures that a requirement may name; delays in seconds. `None`: there is nothing to tell it from."""
    median, p95 = scores.delay(0.5), scores.delay(0.95)
    return {
        "recall": scores.recall.value,
        "recall_low": scores.recall.bounds.low if scores.recall.of else None,
        "false_alarms": scores.false_alarms.value,
        "false_alarms_high": scores.false_alarms.bounds.high if scores.false_alarms.of else None,
        "false_alarms_per_month": scores.per_month,
        "delay": median.total_seconds() if median is not None else None,
        "delay_p95": p95.total_seconds() if p95 is not None else None,
    }
