"""What fired in a range: each firing of a trigger with its beginning and end, and each alert that arrived."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from shared.analytics.ranges import Range
from shared.model.event import Event, EventKind
from shared.model.trigger import TriggerReading, TriggerState

_ENDS = frozenset({EventKind.CLEARED, EventKind.PENDING})


class EpisodeKind(StrEnum):
    """Who said that something is wrong."""

    TRIGGER = "trigger"
    ALERT = "alert"


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """Something that fired.

    Attributes:
        name: The trigger's name, or the rule of the alert.
        began: Event time of the first bad sample, or at which the alert was fired.
        fired: When it was noticed.
        ended: `None` while it fires, and of an alert.
    """

    kind: EpisodeKind
    name: str
    began: datetime
    fired: datetime
    sentence: str
    ended: datetime | None = None


def episodes_of(events: Iterable[Event], readings: Sequence[TriggerReading], shown: Range) -> list[Episode]:
    """Return what fired or went on firing in a range, the newest first.

    Args:
        events: Of the workload, in any order; those that are kept no more are left out.
        readings: What the triggers say now: what fires now and has no event that is kept is known from them.
    """
    ordered = sorted(events, key=lambda event: event.at)
    found = [*_firings(ordered, readings), *_alerts(ordered)]
    inside = [one for one in found if one.began < shown.until and (one.ended or one.fired) >= shown.since]
    still = [one for one in found if one.kind is EpisodeKind.TRIGGER and one.ended is None and one not in inside]
    inside += [one for one in still if one.began < shown.until]
    return sorted(inside, key=lambda one: one.began, reverse=True)


def _firings(events: Iterable[Event], readings: Sequence[TriggerReading]) -> Iterator[Episode]:
    firing = {one.name: one for one in readings if one.state is TriggerState.FIRING}
    begun: dict[str, Episode] = {}
    last = None
    for event in events:
        last = event.at
        if event.kind is EventKind.FIRING:
            begun[event.about] = Episode(
                kind=EpisodeKind.TRIGGER,
                name=event.about,
                began=event.since or event.at,
                fired=event.at,
                sentence=event.sentence,
            )
        elif event.kind in _ENDS and event.about in begun:
            yield replace(begun.pop(event.about), ended=event.at)
    for name, one in begun.items():  # a trigger that the policy has no more never clears: it ended unseen
        yield one if name in firing else replace(one, ended=last)
    for name, reading in firing.items():
        if name not in begun and reading.since is not None:
            yield Episode(
                kind=EpisodeKind.TRIGGER,
                name=name,
                began=reading.since,
                fired=reading.since + reading.hold_for,
                sentence=reading.sentence,
            )


def _alerts(events: Iterable[Event]) -> Iterator[Episode]:
    for event in events:
        if event.kind is EventKind.ALERT:
            yield Episode(
                kind=EpisodeKind.ALERT,
                name=event.about,
                began=event.since or event.at,
                fired=event.at,
                sentence=event.sentence,
            )
