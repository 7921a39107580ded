"""Whatever is broken is named, and nothing is green meanwhile (the laws: `matrix.py`); and what a check costs."""

import logging
from collections.abc import Iterator

import pytest

from tests.scenarios.readiness_matrix.cases import RUNNING
from tests.scenarios.readiness_matrix.deeds import Way
from tests.scenarios.readiness_matrix.matrix import all_plays, play
from tests.scenarios.readiness_matrix.world import CYCLE, WORKLOAD, World, world

PLAYS = [pytest.param(*each, id=f"{each[0]}{', nothing kept' if each[1] else ''}") for each in all_plays()]
# Swap: site, settings of both, all slots. Split: slot, rules, settings. Names: two, and AAAA. One each of the others.
_ARM_CALLS_OF_A_CYCLE = 4 + 3 + 3 + 1 + 1 + 1


@pytest.fixture(scope="module")
def played_in() -> Iterator[World]:
    logging.disable(logging.CRITICAL)  # everything that is wrong is logged, as it should be
    with world() as found:
        found.cycle()
        yield found
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize(("way", "forgetful"), PLAYS)
def test_it_is_named_and_never_green(played_in: World, way: Way, forgetful: bool) -> None:  # a parameter
    assert play(played_in, way, forgetful=forgetful).wrong == []


def test_nothing_is_red_as_long_as_nothing_is_broken(played_in: World) -> None:
    reports = [played_in.cycle() for _ in range(20)]
    assert [reason for report in reports for reason in report.reasons] == []
    assert all(report.ok for report in reports)


def test_people_hear_of_a_rollback_that_runs_and_not_of_readiness(played_in: World) -> None:
    played_in.cycle()
    told = played_in.told()
    RUNNING.do(played_in)
    report = played_in.cycle()
    RUNNING.undo(played_in)
    assert (report.ok, played_in.told()) == (False, told)
    assert played_in.cycle().ok
    assert played_in.told() == told


def test_what_a_cycle_costs(played_in: World) -> None:
    played_in.keeps_answers = True
    played_in.cycle(20 * CYCLE)
    before = played_in.arm_calls()
    played_in.readiness.check(WORKLOAD)
    assert played_in.arm_calls() - before == _ARM_CALLS_OF_A_CYCLE


def test_a_setting_leaves_nothing_but_a_fingerprint(played_in: World) -> None:
    kept = "".join(row.body for row in played_in.ledger.scan(WORKLOAD, "now:"))
    assert '"DATABASE"' in kept
    assert not [value for value in ("orders", "orders-old", "kept", "candidate") if f'"{value}"' in kept]
