"""A threshold that is broken in so many of the last periods."""

from dataclasses import dataclass
from datetime import timedelta

from shared.model.quantity import Dimension
from shared.model.trigger import Comparator


@dataclass(frozen=True, slots=True, kw_only=True)
class Periods:
    """The mean of a period is beyond a threshold in `least` of the last `most` periods.

    Attributes:
        each: Length of a period. Periods are aligned to the epoch, as those of Azure Monitor's alert rules are.
    """

    signal: str
    dimension: Dimension
    comparator: Comparator
    threshold: float
    least: int
    most: int
    each: timedelta

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.signal,)

    @property
    def looks_back(self) -> timedelta:
        return self.most * self.each
