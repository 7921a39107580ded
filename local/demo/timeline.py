"""The story of a recording in moments, and how its users fared before, during and after. Pure.

Times of the controller's own transitions are those of its events.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from local.demo.roads import roads_taken
from local.demo.scene import FAULT, LAST_WORD_S, Recording
from local.demo.users import Tally, tally

FIRST_BAD_SAMPLE = "first bad sample"
SIGHT_LOST = "sight lost"
WELL_AGAIN = "users served well again"
# The trigger of the demo's policies that watches for failing requests.
WATCHED_TRIGGER = "errors"
_FORWARD = ("promoting", "promoted", "superseded")
_ENDINGS = ("verified", "partial", "failed", "refused")


def accepted(road: str) -> str:
    """What the moment is called at which Azure took an order."""
    return f"{road} accepted"


def established(road: str) -> str:
    """What the moment is called at which Azure had carried it out."""
    return f"{road} established"


def whole_story(road: str) -> tuple[str, ...]:
    """What every bad change that was taken back by that road must show."""
    taken = (accepted(road), established(road))
    return (FAULT, FIRST_BAD_SAMPLE, "pending", "firing", "decided", *taken, "verified", WELL_AGAIN)


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of the story; `at_s` counts from the fault."""

    at_s: float
    what: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Phases:
    """How people fared before the fault, until they were served well again, and since."""

    before: Tally
    during: Tally
    after: Tally


def well_again_at_s(recording: Recording) -> float | None:
    """Unix time of the first served request after the last failed one; `None` if none failed, or some still do."""
    since = [visit for visit in recording.visits if visit.at_s >= recording.zero_s]
    last_failed = max((visit.at_s for visit in since if not visit.served), default=None)
    if last_failed is None or last_failed > recording.ended_at_s - LAST_WORD_S:
        return None
    return min((visit.at_s for visit in since if visit.at_s > last_failed), default=None)


def phases(recording: Recording) -> Phases:
    """Count requests by phase. Without a fault all of them are `before`."""
    fault = recording.ended_at_s if recording.fault_at_s is None else recording.fault_at_s
    again = well_again_at_s(recording) or recording.ended_at_s
    return Phases(
        before=tally(visit for visit in recording.visits if visit.at_s < fault),
        during=tally(visit for visit in recording.visits if fault <= visit.at_s < again),
        after=tally(visit for visit in recording.visits if visit.at_s >= max(fault, again)),
    )


def timeline(recording: Recording) -> list[Moment]:
    """The moments of a recording, oldest first."""
    found = (*_done_by_demo(recording), *_told_by_app(recording), *_roads(recording), *_users(recording))
    moments = [Moment(round(at_s - recording.zero_s, 2), what, sentence) for at_s, what, sentence in found]
    # The sort is stable: what one cycle recorded at one instant stays in the order of cause and effect.
    return sorted(moments, key=lambda moment: moment.at_s)


def seconds_to(moments: list[Moment], what: str) -> float | None:
    """When a moment was, in seconds since the fault; `None` if it never was."""
    return next((moment.at_s for moment in moments if moment.what == what), None)


type _Found = Iterator[tuple[float, str, str]]


def _done_by_demo(recording: Recording) -> _Found:
    for what, mark in recording.marks.items():
        yield mark.at_s, what, mark.sentence


def _told_by_app(recording: Recording) -> _Found:
    pending = recording.first("pending", WATCHED_TRIGGER)
    if pending is not None and pending.since is not None:
        yield pending.since.timestamp(), FIRST_BAD_SAMPLE, "the first burst of probes with too many failures"
    blind = recording.first("blind")
    if blind is not None and blind.since is not None:
        yield blind.since.timestamp(), SIGHT_LOST, "the first cycle that found every sample too old or missing"
    for kind in ("pending", "firing"):
        if event := recording.first(kind, WATCHED_TRIGGER):
            yield event.at.timestamp(), kind, event.sentence
    for kind in ("cleared", "blind", "decided", "held_back", *_FORWARD, *_ENDINGS, "asked", "answered"):
        if event := recording.first(kind):
            yield event.at.timestamp(), kind.replace("_", " "), event.sentence


def _roads(recording: Recording) -> _Found:
    for taken in roads_taken(recording):
        for milestone, what in (
            (taken.accepted, accepted(taken.road)),
            (taken.established, established(taken.road)),
            (taken.failed, f"{taken.road} failed"),
        ):
            if milestone is not None:
                yield milestone.at_s, what, milestone.sentence


def _users(recording: Recording) -> _Found:
    at_s = well_again_at_s(recording)
    if at_s is not None:
        yield at_s, WELL_AGAIN, "from here on not one request failed"
