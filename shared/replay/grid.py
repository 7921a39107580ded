"""The cycles of a replay: when each is, and which is the first after a moment."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Grid:
    """Cycles that follow each other at the same distance; the first one has the number 0."""

    first: datetime
    every: timedelta

    def at(self, number: int) -> datetime:
        return self.first + number * self.every

    def not_before(self, moment: datetime) -> int:
        """Return the number of the first cycle at or after a moment; negative before the first one."""
        return -((self.first - moment) // self.every)

    def after(self, moment: datetime) -> int:
        """Return the number of the first cycle later than a moment."""
        return (moment - self.first) // self.every + 1
