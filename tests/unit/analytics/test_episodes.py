"""What fired in a range, from the history and from what fires now."""

from datetime import datetime, timedelta

from shared.analytics.episodes import Episode, EpisodeKind, episodes_of
from shared.analytics.ranges import Range
from shared.model.event import Event, EventKind
from shared.model.trigger import Tier, TriggerReading, TriggerState, Verdict
from tests.fakes.clock import NOON


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


SHOWN = Range(since=at(0), until=at(60), written="1h")


def event(kind: EventKind, minutes: float, about: str = "errors") -> Event:
    return Event(
        workload="orders", kind=kind, at=at(minutes), sentence=f"{about} {kind}", about=about, since=at(minutes - 1)
    )


def firing(since: float) -> TriggerReading:
    return TriggerReading(
        name="errors",
        tier=Tier.CRITICAL,
        state=TriggerState.FIRING,
        verdict=Verdict.UNHEALTHY,
        sentence="errors now",
        since=at(since),
        hold_for=timedelta(minutes=1),
    )


def told(found: list[Episode]) -> list[tuple[datetime, datetime | None]]:
    return [(one.began, one.ended) for one in found]


def test_a_firing_lasts_until_it_clears_newest_first() -> None:
    history = [
        event(EventKind.CLEARED, 30),
        event(EventKind.FIRING, 10),
        event(EventKind.FIRING, 40),
        event(EventKind.PENDING, 50),
    ]
    found = episodes_of(history, [], SHOWN)
    assert told(found) == [(at(39), at(50)), (at(9), at(30))]
    assert {one.kind for one in found} == {EpisodeKind.TRIGGER}


def test_what_ended_before_or_began_after_is_left_out() -> None:
    history = [event(EventKind.FIRING, -20), event(EventKind.CLEARED, -10), event(EventKind.FIRING, 61.5)]
    assert episodes_of(history, [firing(60.5)], SHOWN) == []


def test_what_began_before_and_goes_on_is_there() -> None:
    assert told(episodes_of([event(EventKind.FIRING, -20)], [firing(-21)], SHOWN)) == [(at(-21), None)]


def test_what_fires_and_whose_event_is_kept_no_more_is_there() -> None:
    assert told(episodes_of([], [firing(-90)], SHOWN)) == [(at(-90), None)]


def test_a_trigger_that_is_gone_does_not_fire_for_ever() -> None:
    history = [event(EventKind.FIRING, 10), event(EventKind.VERIFIED, 20, about="run")]
    assert told(episodes_of(history, [], SHOWN)) == [(at(9), at(20))]


def test_an_alert_that_arrived_is_there() -> None:
    (found,) = episodes_of([event(EventKind.ALERT, 5, about="HighErrorRate")], [], SHOWN)
    assert (found.kind, found.name, found.began, found.ended) == (EpisodeKind.ALERT, "HighErrorRate", at(4), None)
