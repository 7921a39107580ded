"""Two builds or slots side by side."""

from dataclasses import dataclass
from datetime import timedelta

from shared.model.conditions.before import Before
from shared.model.quantity import Dimension


@dataclass(frozen=True, slots=True, kw_only=True)
class Concurrent:
    """The samples of one signal are worse than those of another in the same time.

    Attributes:
        falls: Less is worse; else more.
        by: What matters: the medians lie this share of the other's apart; for shares, this much of all.
        level: The chance of a false alarm that may be spent on one stretch of time, however often it is asked.
    """

    signal: str
    other: str
    dimension: Dimension
    falls: bool
    by: float
    level: float
    before: Before

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.signal, self.other)

    @property
    def looks_back(self) -> timedelta:
        return self.before.looks_back
