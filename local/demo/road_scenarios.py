"""The scenarios about other roads than the slot swap, each on a stage of its own."""

from local.demo import expectations as expect
from local.demo import outside
from local.demo import witnesses as seen
from local.demo.scenario import BAD_BUILD, Scenario
from local.demo.scene import GOOD_BUILD
from local.demo.stages import (
    API,
    CANDIDATE,
    FLAG,
    NEXT_SITE,
    TESTER,
    ZONE,
    dns_stage,
    flag_stage,
    front_door_stage,
    host_of,
    split_stage,
)
from local.demo.turns import (
    breaks_candidate,
    breaks_candidate_at_zero,
    breaks_feature,
    moves_name,
    splits_traffic,
    turns_flag_up,
)
from local.demo.users import Kind
from local.rig.rig import SITE

_TAKEN_BACK = (
    seen.everybody_is_served(GOOD_BUILD),
    seen.people_are_served,
    seen.one_connection_lived_through,
    expect.run_ended("verified"),
    expect.told("verified"),
)
_RULES = f"rules that lead away from production of {SITE}"
_NAMES = f"{API}.{ZONE} leads, at each resolver, to"
_TESTER_ON, _ANYBODY_ON = f"the site says that {TESTER} is on {FLAG}", f"the site says that anybody is on {FLAG}"
_SWAP = f"ARM's swap of {SITE}"

ROAD_SCENARIOS = {
    "percentage": Scenario(
        story="A fifth of the traffic goes to a new build in a slot; it goes bad, and nobody is sent there any more.",
        stage=split_stage("percentage"),
        change=splits_traffic,
        strike=breaks_candidate,
        asks={_RULES: outside.rules},
        expects=(
            seen.swap_posts(0),
            *_TAKEN_BACK,
            seen.heard(_RULES, [f"{CANDIDATE} 20 %"], outside.NO_RULE),
            expect.story_is_complete("slot_traffic"),
            expect.prompt,
        ),
    ),
    "pinned": Scenario(
        story="A cookie holds people on the slot of a bad build, even at 0 %: they are taken away from it.",
        stage=split_stage("pinned", Kind.HELD),
        change=splits_traffic,
        strike=breaks_candidate_at_zero,
        asks={_RULES: outside.rules},
        expects=(
            seen.swap_posts(0),
            seen.met_after_the_fault(Kind.HELD, BAD_BUILD),
            *_TAKEN_BACK,
            seen.heard(_RULES, [f"{CANDIDATE} 0 %"], outside.NO_RULE),
            expect.story_is_complete("slot_traffic"),
            expect.prompt,
        ),
    ),
    "slow-swap": Scenario(
        story="The swap takes eleven minutes: after ten seconds Front Door leads people to the site in reserve.",
        stage=front_door_stage(),
        asks={_SWAP: outside.swap},
        expects=(
            seen.swap_posts(1),
            *_TAKEN_BACK,
            seen.heard(_SWAP, [outside.AT_REST], outside.UNDER_WAY),
            expect.outcome_says("still under way: take:site:slot_swap"),
            expect.story_is_complete("front_door"),
        ),
    ),
    "dns": Scenario(
        story="A name leads to a site with a bad build: its record goes back, and every resolver agrees.",
        stage=dns_stage(BAD_BUILD),
        change=moves_name,
        asks={_NAMES: outside.resolvers_of(f"{API}.{ZONE}")},
        expects=(
            seen.swap_posts(0),
            *_TAKEN_BACK,
            seen.heard(_NAMES, [host_of(NEXT_SITE)], host_of(SITE)),
            expect.story_is_complete("dns"),
            expect.prompt,
        ),
    ),
    "flag": Scenario(
        story="New code behind a feature flag fails a fifth of the requests: the flag goes to 0 %.",
        stage=flag_stage(),
        change=turns_flag_up,
        strike=breaks_feature,
        asks={_TESTER_ON: outside.feature(FLAG, TESTER), _ANYBODY_ON: outside.feature(FLAG)},
        new_build=FLAG,
        expects=(
            seen.swap_posts(0),
            *_TAKEN_BACK,
            seen.heard(_TESTER_ON, [outside.ON], outside.OFF),
            seen.heard(_ANYBODY_ON, [outside.ON, outside.OFF], outside.OFF),
            expect.story_is_complete("app_configuration"),
            expect.prompt,
        ),
    ),
}
