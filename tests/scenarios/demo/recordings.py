"""Made-up recordings: a bad build that was taken back as it should be, to be bent by the tests."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from local.demo.pace import Promptness
from local.demo.scene import ANNOUNCED, FAULT, GOOD_BUILD, Mark, Recording
from local.demo.users import USUAL_KINDS, Kind, Visit
from local.demo.world import AppEvent, AppView, LastRollback, SiteView, SwapPost

BAD_BUILD = "2026.11.2-bad"
FAULT_AT_S = 1_800_000_000.0
SWAPPED_S, ENDED_S = 73, 80


def at(seconds: float) -> datetime:
    """A time, counted from the fault."""
    return datetime.fromtimestamp(FAULT_AT_S + seconds, UTC)


def event(kind: str, seconds: float, about: str = "errors", sentence: str = "", since: float | None = None) -> AppEvent:
    """An event of the app, at seconds from the fault."""
    began = None if since is None else at(since)
    return AppEvent(kind=kind, at=at(seconds), sentence=sentence or kind, about=about, since=began)


def visit(kind: Kind, second: float) -> Visit:
    """How that second went for a client of that kind: served, then failed by the bad build, then served again."""
    bad = 0 <= second < SWAPPED_S
    build = BAD_BUILD if -5 <= second < SWAPPED_S else GOOD_BUILD
    return Visit(FAULT_AT_S + second, kind, served=not bad, build=build, connection_age_s=20 + second)


VISITS = tuple(visit(kind, tenth / 10) for tenth in range(-100, ENDED_S * 10) for kind in USUAL_KINDS)

EVENTS = (
    event("change_started", -5, about="change"),
    event("pending", 4.2, since=4.0),
    event("firing", 64.1),
    event("decided", 64.1),
    event("effect_accepted", 65, about="run", sentence="take:site:slot_swap accepted: production runs the bad one"),
    event("step_done", 64.5, about="run", sentence="look_before: outside sees it"),
    event("step_done", 73.5, about="run", sentence="take:site:slot_swap: production runs the good one"),
    event("verified", 75, about="run"),
)

TAKEN_BACK = Recording(
    scenario="bad-build",
    new_build=BAD_BUILD,
    kinds=USUAL_KINDS,
    marks={ANNOUNCED: Mark(FAULT_AT_S - 5, "deployed"), FAULT: Mark(FAULT_AT_S, "broken")},
    ended_at_s=FAULT_AT_S + ENDED_S,
    came_to_end=True,
    promptness=Promptness(fault_to_verified_s=100, firing_to_verified_s=30),
    app=AppView(
        verdict="healthy",
        sentence="healthy",
        last_rollback=LastRollback(id="run", status="verified", ended_at=at(75)),
    ),
    events=EVENTS,
    site=SiteView(production_build=GOOD_BUILD, swap_posts=(SwapPost(time=at(64.9), status=202, accepted=True),)),
    visits=VISITS,
    told=("decided", "verified"),
    heard_first={},
    heard_last={},
    doubled=0,
    outcome="level 1 verified",
)


def bent(**changes: Any) -> Recording:
    """The same with something wrong."""
    return replace(TAKEN_BACK, **changes)
