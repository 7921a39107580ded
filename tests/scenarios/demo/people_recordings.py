"""Made-up recordings of the scenarios in which builds go forward or people decide, each as it should be."""

from collections.abc import Mapping
from dataclasses import replace

from local.demo.deciding import AS_LEFT, RESTORED
from local.demo.outside import NO_RULE
from local.demo.people_scenarios import NEW_BUILD, PEOPLE_SCENARIOS
from local.demo.promoting import IN_QUARANTINE, UNDER_WAY, share_seen
from local.demo.scene import ANNOUNCED, APPROVED, GOOD_BUILD, RESUMED, SWAPPED, Mark, Recording
from local.demo.users import Kind, Visit
from local.demo.world import KnownGood
from tests.scenarios.demo.recordings import BAD_BUILD, EVENTS, FAULT_AT_S, TAKEN_BACK, bent, event

_ASKED_FOR = "Roll back demo to build 2026.11.1-good? (level 2, data). Approved: it has begun."


def mark(seconds: float, sentence: str = "") -> Mark:
    """Something done at seconds from the fault."""
    return Mark(FAULT_AT_S + seconds, sentence)


def heard(name: str, *answers: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """The answers to the questions of a scenario, in their order."""
    return dict(zip(PEOPLE_SCENARIOS[name].asks, answers, strict=True))


def by_shares(build: str, percents: Mapping[float, int], since_s: float, until_s: float) -> tuple[Visit, ...]:
    """Visits ten times a second: of those without a cookie, every so many-th meets the build, from a second on."""
    found = []
    for tenth in range(int(since_s * 10), int(until_s * 10)):
        every = next((n for begin_s, n in sorted(percents.items(), reverse=True) if tenth / 10 >= begin_s), 0)
        for kind in (Kind.FRESH, Kind.PINNED, Kind.KEPT_ALIVE):
            met = every == 1 or (every > 1 and kind is not Kind.PINNED and tenth % every == 0)
            at_s = FAULT_AT_S + tenth / 10
            found.append(Visit(at_s, kind, True, build if met else GOOD_BUILD, 200 + tenth / 10))
    return tuple(found)


def _promotion() -> Recording:
    return bent(
        scenario="promotion",
        new_build=NEW_BUILD,
        marks={
            ANNOUNCED: mark(0),
            share_seen(5): mark(10),
            share_seen(25): mark(30),
            share_seen(50): mark(50),
            SWAPPED: mark(70),
        },
        app=TAKEN_BACK.app.model_copy(update={"last_rollback": None, "known_good": KnownGood(build=NEW_BUILD)}),
        events=(event("promoting", 5), event("promoted", 75)),
        site=TAKEN_BACK.site.model_copy(update={"production_build": NEW_BUILD}),
        visits=by_shares(NEW_BUILD, {10: 20, 30: 4, 50: 2, 70: 1}, -10, 80),
        told=("promoted",),
        heard_last=heard("promotion", (NO_RULE,)),
    )


def _promotion_bad() -> Recording:
    good = TAKEN_BACK.app.model_copy(
        update={"known_good": KnownGood(build=GOOD_BUILD), "quarantine": {BAD_BUILD: {"taken_back": True}}}
    )
    return bent(
        scenario="promotion-bad",
        marks={**TAKEN_BACK.marks, share_seen(5): mark(-20), share_seen(25): mark(0)},
        app=good,
        site=TAKEN_BACK.site.model_copy(update={"swap_posts": ()}),
        visits=by_shares(BAD_BUILD, {-20: 20, 0: 4, 40: 0}, -30, 80),
        heard_first=heard("promotion-bad", ("candidate 25 %",), (UNDER_WAY,)),
        heard_last=heard("promotion-bad", (NO_RULE,), (IN_QUARANTINE,)),
    )


def _ladder() -> Recording:
    return bent(
        scenario="ladder",
        marks={**TAKEN_BACK.marks, APPROVED: mark(74, _ASKED_FOR)},
        events=(*EVENTS, event("effect_accepted", 74.5, about="run", sentence="take:data:restore_data accepted: so")),
        told=("asked", "verified"),
        heard_first=heard("ladder", (AS_LEFT,)),
        heard_last=heard("ladder", (RESTORED,)),
        outcome="level 2 verified",
    )


def _paused() -> Recording:
    return bent(
        scenario="paused",
        marks={**TAKEN_BACK.marks, RESUMED: mark(64)},
        told=("fleet_paused", "held_back", "fleet_resumed", "verified"),
    )


AS_THEY_MUST = {
    "promotion": _promotion(),
    "promotion-bad": _promotion_bad(),
    "ladder": _ladder(),
    "paused": _paused(),
}


def without_mark(recording: Recording, what: str) -> Recording:
    """The same without something that was done."""
    return replace(recording, marks={name: one for name, one in recording.marks.items() if name != what})
