"""The mean of a period held against that of the period before."""

from dataclasses import dataclass
from datetime import timedelta

from shared.model.conditions.pace import Pace
from shared.model.quantity import Dimension


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """A signal rises, or falls, from one period to the next.

    Attributes:
        falls: It is meant to fall; else to rise.
        by: By more than this share of what it was.
        at_least_by: And by more than this, in the product's own unit: of next to nothing, any share is noise.
        over: Length of each period.
        least: Observations without which a period says nothing.
    """

    signal: str
    dimension: Dimension
    falls: bool
    by: float
    at_least_by: float
    over: timedelta
    least: int
    pace: Pace

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.signal,)

    @property
    def looks_back(self) -> timedelta:
        return 2 * self.over + self.pace.patience
