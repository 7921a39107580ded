"""Whatever Azure answers to whichever call: a rollback ends, says what is so and why (the laws: `laws.py`)."""

import logging
from collections.abc import Iterator
from datetime import timedelta

import pytest

from local.azure_simulator.faults import Api
from shared.model.run import RunStatus
from tests.scenarios.answer_matrix.answers import LATE_S, Answer, Times
from tests.scenarios.answer_matrix.laws import broken, loops
from tests.scenarios.answer_matrix.matrix import answers, cases, played, rows
from tests.scenarios.answer_matrix.play import Case, play
from tests.scenarios.answer_matrix.roads import SLOT_SWAP, RoadKind
from tests.scenarios.answer_matrix.shapes import Shape
from tests.scenarios.answer_matrix.table import broken_lines
from tests.scenarios.answer_matrix.world import World, world

CELLS = [(road, api, answer) for road, api in rows() for answer in answers(road, api)]


@pytest.fixture(scope="module")
def played_in() -> Iterator[World]:
    logging.disable(logging.CRITICAL)  # every wrong answer is logged, as it should be
    with world() as found:
        yield found
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize(
    ("road", "api", "answer"), CELLS, ids=[f"{road.name}-{api}-{answer}" for road, api, answer in CELLS]
)
def test_it_ends_and_says_what_is_so(played_in: World, road: RoadKind, api: Api, answer: Answer) -> None:
    found = [played(played_in, case) for case in cases(road, api, answer)]
    assert broken_lines(found) == []


def test_twenty_minutes_of_a_swap_that_never_ends_are_as_two(played_in: World) -> None:
    case = Case(
        road=SLOT_SWAP,
        api=Api.SWAP,
        answer=Answer.STUCK,
        times=Times.EVER,
        shape=Shape.ALONE,
        patience=timedelta(minutes=20),
    )
    course = play(played_in, case)
    assert (course.run.status, course.accepted, list(loops(course))) == (RunStatus.FAILED, 1, [])
    assert timedelta(minutes=20) <= course.took < timedelta(minutes=21)


def test_an_answer_that_really_takes_five_seconds_is_waited_for(played_in: World) -> None:
    case = Case(
        road=SLOT_SWAP,
        api=Api.SWAP,
        answer=Answer.LATE,
        times=Times.ONCE,
        shape=Shape.ALONE,
        real_delay_s=LATE_S,
    )
    course = play(played_in, case)
    assert (course.run.status, course.accepted, course.hits, broken(course)) == (RunStatus.VERIFIED, 1, 1, {})


@pytest.mark.parametrize(("road", "api"), [pytest.param(*row, id=f"{row[0].name}-{row[1]}") for row in rows()])
def test_every_call_is_really_met(played_in: World, road: RoadKind, api: Api) -> None:
    """A row whose call is never made would tell of nothing."""
    course = play(played_in, Case(road=road, api=api, answer=Answer.ERROR, times=Times.ONCE, shape=Shape.ALONE))
    assert course.hits == 1
