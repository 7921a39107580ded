"""The points at which a worker can be killed, and what a worker and its keeper say to each other over a pipe.

A point is told by what is written or sent there, so that the list of them comes from a run and not from people.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

# A worker stands still right before it asks whether it may still act.
BEFORE_THE_FENCE = "before the fence"
BEFORE_THE_EFFECT = "before the effect"
BETWEEN_CHANGES = "between two changes"
AFTER_THE_EFFECT = "after the effect"


@dataclass(frozen=True, slots=True)
class Point:
    """Between two instructions of a worker: in which step, and where in it."""

    step: str
    where: str

    def __str__(self) -> str:
        return f"{self.step}, {self.where}"


class Deed(StrEnum):
    """What befalls a worker."""

    KILLED = "killed"  # by SIGKILL
    STANDS_STILL = "stands still"  # until another worker has taken the run to its end


@dataclass(frozen=True, slots=True)
class Interruption:
    """What befalls a worker, and where; without a step it is the first one that gets there."""

    deed: Deed
    where: str
    step: str | None = None

    def strikes(self, point: Point) -> bool:
        return point.where == self.where and self.step in (None, point.step)


@dataclass(frozen=True, slots=True)
class Sleep:
    """A worker has nothing to do before then; the answer is by how much its clock runs ahead from now on."""

    until: datetime


@dataclass(frozen=True, slots=True)
class StandStill:
    """A worker stands still; it goes on when it is answered, as after `Sleep`."""


Said = Point | Sleep | StandStill
