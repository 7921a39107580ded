"""The scenarios as a table. Those about a rollback by slot swap, or about none, are played on the usual stage."""

from local.demo import expectations as expect
from local.demo import witnesses as seen
from local.demo.data_scenarios import DATA_SCENARIOS
from local.demo.people_scenarios import PEOPLE_SCENARIOS
from local.demo.road_scenarios import ROAD_SCENARIOS
from local.demo.scenario import BAD_BUILD, Scenario
from local.demo.scene import GOOD_BUILD, KILLED
from local.demo.stage import usual_stage
from local.demo.turns import (
    blip_watched,
    breaks_build_and_swap_reply,
    breaks_sight,
    heal_after_a_while,
    kill_host_at_swap,
    kills_build,
    paged,
    quiet_watched,
)

_HARMLESS_BUILD = "2026.11.2-new"
_UNKNOWN_BUILD = "2026.10.7-unknown"
_TAKEN_BACK = (
    seen.swap_posts(1),
    seen.production_serves(GOOD_BUILD),
    seen.people_are_served,
    seen.one_connection_lived_through,
    expect.run_ended("verified"),
    expect.told("verified"),
)
_LEFT_ALONE = (seen.swap_posts(0), seen.production_serves(_HARMLESS_BUILD), expect.nothing_rolled_back)

SCENARIOS = (
    {
        "bad-build": Scenario(
            story="A new build goes bad under its users and is taken back.",
            expects=(*_TAKEN_BACK, expect.story_is_complete("slot_swap"), expect.prompt),
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
            expects=(*_TAKEN_BACK, seen.swap_reply_was_lost),
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
            expects=(*_LEFT_ALONE, seen.nobody_was_failed, expect.verdict_is("blind"), expect.told("blind")),
        ),
        "blip": Scenario(
            story="A build fails for a short while and recovers by itself: it is noticed, and left alone.",
            meddle=heal_after_a_while,
            ends=blip_watched,
            new_build=_HARMLESS_BUILD,
            expects=(*_LEFT_ALONE, seen.people_are_served, expect.recorded("pending"), expect.recorded("cleared")),
        ),
        "healthy": Scenario(
            story="A good change goes well.",
            strike=None,
            ends=quiet_watched,
            new_build=_HARMLESS_BUILD,
            expects=(*_LEFT_ALONE, seen.nobody_was_failed, expect.verdict_is("healthy")),
        ),
        "wrong-slot": Scenario(
            story="The other slot does not hold the known-good build: the controller refuses, and pages.",
            ends=paged("refused"),
            stage=usual_stage(kept=_UNKNOWN_BUILD),
            expects=(
                seen.swap_posts(0),
                seen.production_serves(BAD_BUILD),
                seen.nobody_met(_UNKNOWN_BUILD),
                expect.run_ended("refused"),
                expect.told("refused"),
            ),
        ),
    }
    | ROAD_SCENARIOS
    | PEOPLE_SCENARIOS
    | DATA_SCENARIOS
)
DEFAULT_SCENARIO = "bad-build"
