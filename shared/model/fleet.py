"""What holds for all workloads together: the pause switch, and how much of their budgets was used of late."""

from dataclasses import dataclass, field
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


@dataclass(frozen=True, slots=True)
class Claims:
    """The fleet's budget as it was used of late.

    Attributes:
        at: What counts against it, each with its workload, in the order of the claims. One that is taken over counts
            from the attempt that took it over.
        made: When each workload's last claim was made. A start that rests on it is not earlier than this.
    """

    at: tuple[tuple[datetime, str], ...] = ()
    made: dict[str, datetime] = field(default_factory=dict)

    @property
    def moments(self) -> tuple[datetime, ...]:
        return tuple(at for at, _ in self.at)

    def unused(self, workload: str, last_start: datetime | None) -> bool:
        """Tell whether no start came of the last claim of a workload."""
        made = self.made.get(workload)
        return made is not None and (last_start is None or last_start < made)

    def without_last(self, workload: str) -> "Claims":
        last = max((number for number, (_, whose) in enumerate(self.at) if whose == workload), default=None)
        return Claims(tuple(one for number, one in enumerate(self.at) if number != last), self.made)

    def with_one(self, at: datetime, workload: str, made: datetime, budget: Budget) -> "Claims":
        """Return those that still count against a budget, and one more."""
        counted = (one for one in self.at if at - one[0] < budget.per)
        return Claims((*counted, (at, workload)), {**self.made, workload: made})
