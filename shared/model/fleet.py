"""What holds for all workloads together: the pause switch, and how many rollbacks were started of late."""

from dataclasses import dataclass
from datetime import datetime

from shared.model.budget import Budget
from shared.model.quantity import say_moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """While it is there, no automatic rollback starts anywhere."""

    since: datetime
    by: str
    reason: str

    def __str__(self) -> str:
        return f"the fleet is paused since {say_moment(self.since)} by {self.by}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Starts:
    """When automatic rollbacks were started of late, each with its workload."""

    at: tuple[tuple[datetime, str], ...] = ()

    @property
    def moments(self) -> tuple[datetime, ...]:
        return tuple(at for at, _ in self.at)

    def with_one(self, at: datetime, workload: str, budget: Budget) -> "Starts":
        """Return those that still count against a budget, and one more."""
        return Starts((*(one for one in self.at if at - one[0] < budget.per), (at, workload)))
