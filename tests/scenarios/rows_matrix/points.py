"""Which points of the matrix are played: all of them, or some of each thing that the product asks for.

The exchanges of a run follow from the world alone, one worker at a time: that of a number is the same in every run.
"""

from collections.abc import Iterator
from itertools import batched
from random import Random

from tests.scenarios.rows_matrix.plays import Plain
from tests.scenarios.rows_matrix.worker import Blow, Kind

_KILLED = (Kind.BEFORE, Kind.SENT, Kind.AFTER)
_IN_CHUNKS = 3
Asked = tuple[str, str]


def places(known: Plain) -> dict[Asked, list[int]]:
    """Return by side and by what is asked for the numbers of the exchanges."""
    counts = {"source": 0, "target": 0}
    found: dict[Asked, list[int]] = {}
    for side, asked_for in known.trace:
        counts[side] += 1
        found.setdefault((side, asked_for), []).append(counts[side])
    return found


def every_kill(known: Plain, step: int = 1) -> Iterator[Blow]:
    """Kill before, in and after each exchange, or each so many."""
    for (side, _), numbers in places(known).items():
        for number in numbers[::step]:
            yield from (Blow(side, number, kind) for kind in _KILLED)


def some_kills(known: Plain, seed: int) -> Iterator[Blow]:
    """Kill once at each thing that is asked for, and some more times within chunks: somewhere among its exchanges."""
    random = Random(seed)
    for (side, asked_for), numbers in places(known).items():
        parts = _IN_CHUNKS if asked_for.endswith("_worker") and len(numbers) > _IN_CHUNKS else 1
        for some in batched(numbers, -(-len(numbers) // parts), strict=False):
            yield Blow(side, random.choice(some), random.choice(_KILLED))


def some_places(known: Plain, seed: int) -> Iterator[tuple[str, int]]:
    """Return one exchange of each thing that is asked for."""
    random = Random(seed)
    for (side, _), numbers in places(known).items():
        yield side, random.choice(numbers)
