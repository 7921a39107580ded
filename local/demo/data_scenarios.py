"""The scenario in which rows go back: a database was moved, and the build that writes to it goes bad."""

from local.azure_simulator.config import PRODUCTION, SimulatorConfig
from local.demo import deciding, moving
from local.demo import expectations as expect
from local.demo import witnesses as seen
from local.demo.expectations import Expect, Expectation
from local.demo.moved_database import MovedDatabase
from local.demo.pace import Pace
from local.demo.scenario import Scenario
from local.demo.scene import APPROVED, GOOD_BUILD, Recording
from local.demo.stage import GOOD_SLOT, Stage, own_policy, site_of
from local.demo.turns import breaks_build
from local.rig.rig import SITE, Surroundings

_ROAD = "rows"
_BUDGET_S = 300.0
_LOST = "orders that were acknowledged and are not on the old server"
_TAKEN = "orders that were acknowledged"
_DIFFER = "items that are not the same on both servers"


def _surroundings(pace: Pace) -> Surroundings:
    return MovedDatabase(pace.rows)


def _data_stage() -> Stage:
    """One site, and a database on an old server and a new one."""
    site = site_of({PRODUCTION: GOOD_BUILD, GOOD_SLOT: GOOD_BUILD})
    return Stage(policy=own_policy("data"), azure=SimulatorConfig(sites=[site]), sized=_surroundings)


def _both_wrote(recording: Recording) -> Expectation:
    """Orders were taken by the new build before, and by the good one after: writers went on through all of it."""
    taken = recording.heard_last.get(_TAKEN, ())
    held = all(any(one.endswith(f"by {build}") for one in taken) for build in (GOOD_BUILD, recording.new_build))
    return Expectation(f"{_TAKEN}: by both builds", held, ", ".join(taken) or "none")


def _within(seconds: float) -> Expect:
    """From the approval to the verified end."""

    def check(recording: Recording) -> Expectation:
        approved, verified = recording.marks.get(APPROVED), recording.first("verified")
        took = verified.at.timestamp() - approved.at_s if approved and verified else None
        text = f"rows and people are back within {seconds:.0f} s of the approval"
        found = "it was never verified" if took is None else f"{took:.1f} s"
        return Expectation(text, took is not None and took <= seconds, found)

    return check


DATA_SCENARIOS: dict[str, Scenario] = {
    "data": Scenario(
        story="A moved database takes a million rows' worth of writes, and its build goes bad: every row goes back.",
        stage=_data_stage(),
        change=moving.moves_database,
        ripe=moving.written_a_while_ago,
        strike=breaks_build,
        meddle=moving.person_approves_rows,
        ends=deciding.level_2_ended,
        asks={_LOST: moving.rows_missing, _DIFFER: moving.items_differing, _TAKEN: moving.rows_acknowledged},
        expects=(
            seen.swap_posts(1),
            seen.production_serves(GOOD_BUILD),
            seen.people_are_served,
            _both_wrote,
            seen.heard(_LOST, [], moving.NONE),
            seen.heard(_DIFFER, [], moving.NONE),
            expect.told("asked"),
            expect.said_of(APPROVED, f"Roll back {SITE} to build {GOOD_BUILD}?", "level 2, data", "Approved"),
            expect.taken_only_after(_ROAD, APPROVED),
            _within(_BUDGET_S),
            expect.outcome_says("level 2 verified"),
            expect.run_ended("verified"),
            expect.told("verified"),
        ),
    ),
}
