"""The story of a recording in moments, and how its users fared before, during and after. Pure.

Times of the controller's own transitions are those of its events. Where it could not write one, because it was killed
or never got the reply, ARM's journal tells when the swap was accepted.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from local.demo.scene import FAULT, LAST_WORD_S, Recording
from local.demo.users import Tally, tally

FIRST_BAD_SAMPLE = "first bad sample"
SIGHT_LOST = "sight lost"
SWAP_ACCEPTED = "swap accepted"
SWAPPED = "swapped"
WELL_AGAIN = "users served well again"
# The trigger of the demo's policy that watches for failing requests.
WATCHED_TRIGGER = "errors"
_SWAP_STEP = "take:site:slot_swap: "
_ENDINGS = ("verified", "partial", "failed", "refused")
# What every bad build that was taken back must show.
WHOLE_STORY = (
    FAULT,
    FIRST_BAD_SAMPLE,
    "pending",
    "firing",
    "decided",
    SWAP_ACCEPTED,
    SWAPPED,
    "verified",
    WELL_AGAIN,
)


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
    found = (*_done_by_demo(recording), *_told_by_app(recording), *_swap(recording), *_users(recording))
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
    for kind in ("cleared", "blind", "decided", *_ENDINGS):
        if event := recording.first(kind):
            yield event.at.timestamp(), kind, event.sentence


def _swap(recording: Recording) -> _Found:
    accepted = recording.first("effect_accepted")
    if accepted is not None:
        yield accepted.at.timestamp(), SWAP_ACCEPTED, accepted.sentence
    else:
        for post in recording.site.swap_posts:
            if post.accepted:
                yield post.time.timestamp(), SWAP_ACCEPTED, "by ARM's journal; the app could not note it"
    swapped = next((e for e in recording.events if e.kind == "step_done" and e.sentence.startswith(_SWAP_STEP)), None)
    if swapped is not None:
        yield swapped.at.timestamp(), SWAPPED, swapped.sentence


def _users(recording: Recording) -> _Found:
    at_s = well_again_at_s(recording)
    if at_s is not None:
        yield at_s, WELL_AGAIN, "from here on not one request failed"
