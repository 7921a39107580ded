"""How fast the budget of an objective is used up."""

from dataclasses import dataclass
from datetime import timedelta

from shared.model.conditions.pace import Pace


@dataclass(frozen=True, slots=True, kw_only=True)
class Burn:
    """The share of failures uses up the budget of an objective too fast, over a long and over a short window.

    Attributes:
        objective: The share of good ones that is promised, such as 0.999.
        rate: How many times faster than the budget allows.
    """

    signal: str
    objective: float
    rate: float
    long: timedelta
    short: timedelta
    pace: Pace

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.signal,)

    @property
    def looks_back(self) -> timedelta:
        return self.long + self.pace.patience
