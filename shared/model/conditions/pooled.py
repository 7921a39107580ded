"""What is counted, added up or picked within a trailing window."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from shared.model.quantity import Dimension
from shared.model.trigger import Comparator


class Pooling(StrEnum):
    """What a window of samples is turned into."""

    SUM = "sum"  # of the values
    COUNT = "count"  # of the observations behind them
    MAX = "max"
    MIN = "min"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooled:
    """The samples of a trailing window, turned into one number, are beyond a threshold.

    Attributes:
        dimension: Of that number.
        over: Length of the window.
        gap: A longer silence in the window leaves open what happened there.
        sparse: There is a sample only when something happens, so that a silence is the absence of that.
    """

    signal: str
    dimension: Dimension
    comparator: Comparator
    threshold: float
    how: Pooling
    over: timedelta
    gap: timedelta
    sparse: bool = False

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.signal,)

    @property
    def looks_back(self) -> timedelta:
        return self.over


@dataclass(frozen=True, slots=True, kw_only=True)
class Often:
    """So many samples of a trailing window, each by itself, are beyond a threshold.

    Attributes:
        least: How many it takes.
        over: Length of the window.
        gap: A longer silence in the window leaves open what happened there.
        sparse: There is a sample only when something happens, so that a silence is the absence of that.
    """

    signal: str
    dimension: Dimension
    comparator: Comparator
    threshold: float
    least: int
    over: timedelta
    gap: timedelta
    sparse: bool = False

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.signal,)

    @property
    def looks_back(self) -> timedelta:
        return self.over
