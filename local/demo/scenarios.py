"""The scenarios as a table: what is broken, what happens meanwhile, when it is over, and what must hold then.

Every one begins alike: a good build serves and is kept in slot `last-good`, people use the site, the app says healthy,
a pipeline deploys a new build and announces it, and some seconds later the fault strikes. From there on nobody helps.
"""

from collections.abc import Callable
from dataclasses import dataclass

from local.demo import expectations as expect
from local.demo.scene import GOOD_BUILD, KILLED, Scene
from local.demo.turns import (
    blip_watched,
    breaks_build,
    breaks_build_and_swap_reply,
    breaks_sight,
    heal_after_a_while,
    kill_host_at_swap,
    kills_build,
    leave_alone,
    paged,
    quiet_watched,
    rollback_ended,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One story.

    Attributes:
        strike: Breaks something and says what; `None` if nothing is broken.
        meddle: Called at every tick until it is over.
        ends: Whether it is over.
        expects: What must hold then, in the order in which it is told.
        good_slot_build: What slot `last-good` holds.
        tick_s: Pause between two calls of `meddle`.
    """

    story: str
    expects: tuple[expect.Expect, ...]
    strike: Callable[[Scene], str] | None = breaks_build
    meddle: Callable[[Scene], None] = leave_alone
    ends: Callable[[Scene], bool] = rollback_ended
    new_build: str = "2026.11.2-bad"
    good_slot_build: str = GOOD_BUILD
    hosts: int = 1
    deliver_twice: bool = False
    tick_s: float = 0.25


_HARMLESS_BUILD = "2026.11.2-new"
_UNKNOWN_BUILD = "2026.10.7-unknown"
_TAKEN_BACK = (
    expect.swap_posts(1),
    expect.production_serves(GOOD_BUILD),
    expect.people_are_served,
    expect.one_connection_lived_through,
    expect.run_ended("verified"),
    expect.told("verified"),
)
_LEFT_ALONE = (expect.swap_posts(0), expect.production_serves(_HARMLESS_BUILD), expect.nothing_rolled_back)

SCENARIOS = {
    "bad-build": Scenario(
        story="A new build goes bad under its users and is taken back.",
        expects=(*_TAKEN_BACK, expect.timeline_is_complete, expect.prompt),
    ),
    "dead-build": Scenario(
        story="A new build dies: nobody is served, and nothing says which build it was.",
        strike=kills_build,
        expects=_TAKEN_BACK,
    ),
    "crash": Scenario(
        story="The controller's host is killed right after the swap was accepted, and started again.",
        meddle=kill_host_at_swap,
        tick_s=0.02,
        expects=(*_TAKEN_BACK, expect.happened(KILLED, "the host was killed after ARM had accepted the swap")),
    ),
    "lost-reply": Scenario(
        story="Azure accepts the swap, but its reply never arrives.",
        strike=breaks_build_and_swap_reply,
        expects=(*_TAKEN_BACK, expect.swap_reply_was_lost),
    ),
    "duplicate": Scenario(
        story="Two hosts share the work and every queue message is delivered twice.",
        hosts=2,
        deliver_twice=True,
        expects=(*_TAKEN_BACK, expect.messages_came_twice),
    ),
    "blind": Scenario(
        story="Monitoring and probes fail while the site is healthy: people are paged, nothing is rolled back.",
        strike=breaks_sight,
        ends=paged("blind"),
        new_build=_HARMLESS_BUILD,
        expects=(*_LEFT_ALONE, expect.nobody_was_failed, expect.verdict_is("blind"), expect.told("blind")),
    ),
    "blip": Scenario(
        story="A build fails for a short while and recovers by itself: it is noticed, and left alone.",
        meddle=heal_after_a_while,
        ends=blip_watched,
        new_build=_HARMLESS_BUILD,
        expects=(*_LEFT_ALONE, expect.people_are_served, expect.recorded("pending"), expect.recorded("cleared")),
    ),
    "healthy": Scenario(
        story="A good change goes well.",
        strike=None,
        ends=quiet_watched,
        new_build=_HARMLESS_BUILD,
        expects=(*_LEFT_ALONE, expect.nobody_was_failed, expect.verdict_is("healthy")),
    ),
    "wrong-slot": Scenario(
        story="The other slot does not hold the known-good build: the controller refuses, and pages.",
        ends=paged("refused"),
        good_slot_build=_UNKNOWN_BUILD,
        expects=(
            expect.swap_posts(0),
            expect.production_serves("2026.11.2-bad"),
            expect.nobody_met(_UNKNOWN_BUILD),
            expect.run_ended("refused"),
            expect.told("refused"),
        ),
    ),
}
DEFAULT_SCENARIO = "bad-build"
