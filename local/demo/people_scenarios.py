"""The scenarios in which a build goes forward, or people decide."""

from local.demo import deciding, outside, promoting
from local.demo import expectations as expect
from local.demo import share_witnesses as shares
from local.demo import witnesses as seen
from local.demo.scenario import BAD_BUILD, Scenario
from local.demo.scene import APPROVED, FAULT, GOOD_BUILD, RESUMED, SWAPPED
from local.demo.stages import CANDIDATE, ladder_stage, promotion_stage
from local.demo.turns import breaks_candidate
from local.rig.rig import SITE

NEW_BUILD = "2026.11.2-new"
_BAD_AT_PERCENT = 25
_RULES = f"rules that lead away from production of {SITE}"
_AGAIN = f"what the app answers who wants to promote {BAD_BUILD} again"
_DATA = f"the data of {SITE}"

PEOPLE_SCENARIOS = {
    "promotion": Scenario(
        story="A good build goes forward: 5 % of the traffic, 25 %, 50 %, and a swap; it is the known good then.",
        stage=promotion_stage(),
        change=promoting.fills_slot,
        strike=None,
        meddle=promoting.goes_forward,
        ends=promoting.promoted,
        asks={_RULES: outside.rules},
        new_build=NEW_BUILD,
        expects=(
            seen.swap_posts(1),
            seen.production_serves(NEW_BUILD),
            seen.nobody_was_failed,
            seen.one_connection_lived_through,
            shares.shares_were(5, 25, 50),
            shares.people_met_it_by(5, until=promoting.share_seen(25)),
            shares.people_met_it_by(25, until=promoting.share_seen(50)),
            shares.people_met_it_by(50, until=SWAPPED),
            seen.heard(_RULES, [], outside.NO_RULE),
            expect.known_good_is(NEW_BUILD),
            expect.nothing_rolled_back,
            expect.told("promoted"),
        ),
    ),
    "promotion-bad": Scenario(
        story="A new build goes bad with 25 % of the traffic: it goes back by itself, and cannot come again.",
        stage=promotion_stage(),
        change=promoting.fills_slot,
        ripe=promoting.goes_forward_to(_BAD_AT_PERCENT),
        strike=breaks_candidate,
        meddle=promoting.goes_forward,
        asks={_RULES: outside.rules, _AGAIN: promoting.promoted_again(BAD_BUILD)},
        expects=(
            seen.swap_posts(0),
            seen.production_serves(GOOD_BUILD),
            seen.people_are_served,
            seen.one_connection_lived_through,
            shares.shares_were(5, _BAD_AT_PERCENT),
            shares.people_met_it_by(5, until=FAULT),
            seen.heard(_RULES, [f"{CANDIDATE} {_BAD_AT_PERCENT} %"], outside.NO_RULE),
            seen.heard(_AGAIN, [promoting.UNDER_WAY], promoting.IN_QUARANTINE),
            expect.in_quarantine(BAD_BUILD),
            expect.known_good_is(GOOD_BUILD),
            expect.never_recorded("promoted"),
            expect.run_ended("verified"),
            expect.told("verified"),
        ),
    ),
    "ladder": Scenario(
        story="Level 1 puts the good build back, and it still fails: somebody is asked for level 2, and approves.",
        stage=ladder_stage(),
        strike=deciding.breaks_build_and_data,
        meddle=deciding.person_approves,
        ends=deciding.level_2_ended,
        asks={_DATA: deciding.data},
        tools=(deciding.CHROMIUM,),
        expects=(
            seen.swap_posts(1),
            seen.production_serves(GOOD_BUILD),
            seen.people_are_served,
            seen.one_connection_lived_through,
            seen.heard(_DATA, [deciding.AS_LEFT], deciding.RESTORED),
            expect.told("asked"),
            expect.said_of(APPROVED, f"Roll back {SITE} to build {GOOD_BUILD}?", "level 2, data", "Approved"),
            expect.taken_only_after("restore_data", APPROVED),
            expect.outcome_says("level 2 verified"),
            expect.run_ended("verified"),
            expect.told("verified"),
        ),
    ),
    "paused": Scenario(
        story="The fleet is paused when a bad build comes: it is held back, people are told, and let it go on.",
        change=deciding.pauses_and_deploys,
        meddle=deciding.resumes_once_told,
        expects=(
            seen.swap_posts(1),
            seen.swapped_only_after(RESUMED),
            seen.production_serves(GOOD_BUILD),
            seen.people_are_served,
            seen.one_connection_lived_through,
            *(expect.told(kind) for kind in ("fleet_paused", "held_back", "fleet_resumed", "verified")),
            expect.run_ended("verified"),
        ),
    ),
}
