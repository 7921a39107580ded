"""Signals that are made of other signals: every value resolved, in the product's own unit.

They lie on a grid: a sample at the end of each slot of `every`, aligned to 1970 in UTC, as the intervals of Azure are.
"""

from dataclasses import dataclass
from datetime import timedelta

from shared.model.quantity import Dimension


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A signal that another one is made of.

    Attributes:
        every: Its rhythm.
        patience: For this long its last word stands in slots that have none of their own.
        at_least: Observations without which it is unknown.
    """

    signal: str
    dimension: Dimension
    every: timedelta
    patience: timedelta
    at_least: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighted(Part):
    """A part of a score.

    Attributes:
        good: From here on it is worth its whole weight.
        bad: From here on it is worth nothing; in between, linearly.
    """

    weight: float
    good: float
    bad: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Derivation:
    """How a signal is made of others.

    Attributes:
        leave_out: Unknown parts are left out; else one of them makes the whole unknown.
        lag: How far the slowest of its parts lies behind the clock.
    """

    name: str
    every: timedelta
    parts: tuple[Part, ...]
    leave_out: bool = False
    lag: timedelta = timedelta(0)

    @property
    def looks_back(self) -> timedelta:
        """Event time before the end of a slot that its value may stand on."""
        return max(self.every, *(part.patience for part in self.parts))


@dataclass(frozen=True, slots=True, kw_only=True)
class Score(Derivation):
    """A score from 0 to 100: the weighted mean of what its parts are worth."""

    parts: tuple[Weighted, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Extreme(Derivation):
    """The largest of its parts, or the smallest."""

    largest: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Average(Derivation):
    """The mean of its one part over each slot, weighted by count: a slower copy of a fast signal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio(Derivation):
    """The amount of its first part for one of its second. A sample of either is the amount of one `every`.

    Only slots count in which both were heard.

    Attributes:
        over: Amounts are added up over this trailing interval, of whole slots.
    """

    over: timedelta

    @property
    def looks_back(self) -> timedelta:
        return self.over
