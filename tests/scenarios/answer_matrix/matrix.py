"""The matrix itself: which cases there are, and what became of them."""

from collections.abc import Iterator
from dataclasses import dataclass

from local.azure_simulator.faults import Api
from tests.scenarios.answer_matrix.answers import Answer, Times, makes_sense, passes
from tests.scenarios.answer_matrix.laws import broken
from tests.scenarios.answer_matrix.play import Case, Course, play
from tests.scenarios.answer_matrix.roads import ROADS, SLOT_SWAP, RoadKind
from tests.scenarios.answer_matrix.shapes import Shape
from tests.scenarios.answer_matrix.world import World

_FOR_EVER = tuple((Times.EVER, shape) for shape in Shape)
_VARIANTS = {
    # Waiting helps, or not: then three of them are as one.
    True: ((Times.ONCE, Shape.ALONE), (Times.THREE, Shape.ALONE), *_FOR_EVER),
    False: ((Times.ONCE, Shape.ALONE), *_FOR_EVER),
}
# A token is asked for in the same way by all of Azure's roads: one of them tells of all answers, the others of the
# kinds of them.
_OF_TOKENS = frozenset({Answer.BUSY, Answer.CUT_BEFORE, Answer.FORBIDDEN})


@dataclass(frozen=True, slots=True)
class Played:
    """A case, and the laws that it broke."""

    course: Course
    broken: dict[str, list[str]]


def rows() -> Iterator[tuple[RoadKind, Api]]:
    """Every call of every road."""
    for road in ROADS:
        for api in road.calls:
            yield road, api


def answers(road: RoadKind, api: Api) -> list[Answer]:
    """How a call may be answered."""
    there = [answer for answer in Answer if makes_sense(api, answer)]
    return [answer for answer in there if api is not Api.TOKEN or road is SLOT_SWAP or answer in _OF_TOKENS]


def cases(road: RoadKind, api: Api, answer: Answer) -> list[Case]:
    """The variants of a cell. What never ends is not once or three times so."""
    variants = _FOR_EVER if answer is Answer.STUCK else _VARIANTS[passes(api, answer)]
    return [Case(road=road, api=api, answer=answer, times=times, shape=shape) for times, shape in variants]


def played(world: World, case: Case) -> Played:
    """Play a case and judge it."""
    course = play(world, case)
    return Played(course, broken(course))
