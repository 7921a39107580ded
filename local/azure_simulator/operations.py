"""A long-running operation on a site, as `inProgressOperationId` and the operation URLs tell it."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class OperationStatus(StrEnum):
    IN_PROGRESS = "InProgress"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


@dataclass(frozen=True, slots=True)
class OperationError:
    http_status: int
    code: str
    message: str


@dataclass(slots=True)
class Operation:
    """A slot swap. `source` and `target` are slot names; the source is the slot whose URL took the call."""

    site: str
    source: str
    target: str
    started_at: datetime
    name: str = "SwapSiteSlots"
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: OperationStatus = OperationStatus.IN_PROGRESS
    ended_at: datetime | None = None
    error: OperationError | None = None

    def succeed(self, now: datetime) -> None:
        self.status, self.ended_at = OperationStatus.SUCCEEDED, now

    def fail(self, now: datetime, error: OperationError) -> None:
        self.status, self.ended_at, self.error = OperationStatus.FAILED, now, error
