"""The roads that a rollback took, by what the app recorded of them. Pure.

Where the app could not note that a swap was accepted (it was killed, or never got the reply), ARM's journal tells.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from local.demo.scene import Recording
from local.demo.world import AppEvent

SLOT_SWAP = "slot_swap"
_BY_JOURNAL = "by ARM's journal; the app could not note it"
# What the app says of a step: `take:site:slot_swap accepted: ...`, `take:site:slot_swap: ...`, `... failed: ...`.
_STEP = re.compile(r"take:[^:]+:(?P<road>\w+)")


@dataclass(frozen=True, slots=True)
class Milestone:
    """Something that became of a road; `at_s` is Unix time."""

    at_s: float
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RoadTaken:
    """One road; `None` where it did not happen."""

    road: str
    accepted: Milestone | None = None
    established: Milestone | None = None
    failed: Milestone | None = None

    @property
    def under_way(self) -> bool:
        """It was accepted, and nobody knows yet what becomes of it."""
        return self.accepted is not None and self.established is None and self.failed is None


def roads_taken(recording: Recording) -> list[RoadTaken]:
    """Every road that was accepted, established or given up, in the order in which that was first heard."""
    found = {kind: dict(_milestones(recording, kind)) for kind in ("effect_accepted", "step_done", "step_failed")}
    # Without a rollback, a swap was one that went forward.
    if SLOT_SWAP not in found["effect_accepted"] and recording.app.last_rollback:
        found["effect_accepted"].update(_by_journal(recording))
    roads = [
        RoadTaken(
            road=road,
            accepted=found["effect_accepted"].get(road),
            established=found["step_done"].get(road),
            failed=found["step_failed"].get(road),
        )
        for road in dict.fromkeys(road for kind in found.values() for road in kind)
    ]
    return sorted(roads, key=_begun_at_s)


def _begun_at_s(taken: RoadTaken) -> float:
    return min(each.at_s for each in (taken.accepted, taken.established, taken.failed) if each)


def _milestones(recording: Recording, kind: str) -> Iterator[tuple[str, Milestone]]:
    """The first of each road: a dict keeps the last, so that they come newest first."""
    for event in reversed(recording.events):
        if event.kind == kind and (step := _STEP.match(event.sentence)):
            yield step["road"], _milestone(event)


def _milestone(event: AppEvent) -> Milestone:
    return Milestone(event.at.timestamp(), event.sentence)


def _by_journal(recording: Recording) -> dict[str, Milestone]:
    accepted = [post for post in recording.site.swap_posts if post.accepted]
    return {SLOT_SWAP: Milestone(accepted[0].time.timestamp(), _BY_JOURNAL)} if accepted else {}


def said_of(roads: list[RoadTaken]) -> str:
    """Say by which roads it went, as part of a sentence."""
    by = ", ".join(each.road for each in roads if each.established and each.accepted)
    ends = [f"{each.road} still under way" for each in roads if each.under_way]
    ends += [f"{each.road} failed" for each in roads if each.failed]
    return "; ".join([f"taken back by {by}" if by else "nothing was taken back", *ends])
