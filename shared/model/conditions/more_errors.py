"""More failures than a rate allows, counted one by one."""

from dataclasses import dataclass
from datetime import timedelta

from shared.model.conditions.before import Before


@dataclass(frozen=True, slots=True, kw_only=True)
class MoreErrors:
    """The share of failures is higher than a known rate, or than it was before.

    Attributes:
        than: The known rate; `None` for what it was in the baseline.
        by: And by more than this much of all.
        level: The chance of a false alarm that may be spent on one stretch of time, however often it is asked.
    """

    signal: str
    than: float | None
    by: float
    level: float
    before: Before

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.signal,)

    @property
    def looks_back(self) -> timedelta:
        return self.before.looks_back
