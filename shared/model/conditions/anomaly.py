"""One value far from what is usual for its signal."""

from dataclasses import dataclass
from datetime import timedelta

from shared.model.conditions.before import Before
from shared.model.conditions.deviation import Worse
from shared.model.quantity import Dimension


@dataclass(frozen=True, slots=True, kw_only=True)
class Anomaly:
    """A value lies so many robust standard deviations from what is usual, and by enough to matter.

    Attributes:
        by: What matters: this share of what is usual; for shares, this much more of all.
    """

    signal: str
    dimension: Dimension
    worse: Worse
    sigmas: float
    by: float
    before: Before

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.signal,)

    @property
    def looks_back(self) -> timedelta:
        return self.before.looks_back
