"""A change in progress on a workload, and the known good that can be gone back to, both by identity."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ChangeStatus(StrEnum):
    """Where a change stands."""

    ACTIVE = "active"
    PAUSED = "paused"
    COMPLETED = "completed"
    ROLLED_BACK = "rolled_back"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownGood:
    """The build to go back to. Never a position such as "the other slot"."""

    build: str
    recorded_at: datetime
    recorded_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A deployment, migration or rollout that is watched."""

    id: str
    kind: str
    build: str
    started_at: datetime
    status: ChangeStatus = ChangeStatus.ACTIVE
    sentence: str = ""

    @property
    def in_progress(self) -> bool:
        """It has not come to an end; a pause is none."""
        return self.status in (ChangeStatus.ACTIVE, ChangeStatus.PAUSED)
