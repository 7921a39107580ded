"""A value that is off from what it used to be at this time of day, or from what was planned."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from shared.model.conditions.pace import Pace
from shared.model.quantity import Dimension


class Worse(StrEnum):
    """Which direction is meant."""

    UP = "up"
    DOWN = "down"
    BOTH = "both"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """A signal is off by more than a share.

    Attributes:
        by: Share of what was expected.
        at_least_by: And by more than this, in the product's own unit.
        over: The mean of this long counts.
        days: How many days before are looked at, at the same time of day; 0 where it is planned.
        planned: The signal that says what was expected; empty where it is what used to be.
        planned_for: How long a planned value stands.
    """

    signal: str
    dimension: Dimension
    by: float
    at_least_by: float
    worse: Worse
    over: timedelta
    days: int
    pace: Pace
    planned: str = ""
    planned_for: timedelta = timedelta(0)

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.signal, self.planned) if self.planned else (self.signal,)

    @property
    def looks_back(self) -> timedelta:
        return max(timedelta(days=self.days) + self.over + self.pace.patience, self.planned_for)
