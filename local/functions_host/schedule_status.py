"""What a timer remembers between runs, and where: when it last ran and when it is next due.

ScheduleMonitor.CheckPastDueAsync and StorageScheduleMonitor.cs. The blob is
`azure-webjobs-hosts/timers/{host id}/Host.Functions.{function}/status`.
"""

import json
import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.storage.blob.aio import ContainerClient

from local.functions_host.schedule import Schedule

NEVER = datetime.min.replace(tzinfo=UTC)

logger = logging.getLogger("functions_host")


@dataclass(frozen=True)
class ScheduleStatus:
    last: datetime  # NEVER before the first run
    next: datetime
    last_updated: datetime

    def to_json(self) -> dict[str, str]:
        return {
            "Last": self.last.isoformat(),
            "Next": self.next.isoformat(),
            "LastUpdated": self.last_updated.isoformat(),
        }

    @classmethod
    def from_json(cls, document: dict[str, str]) -> "ScheduleStatus":
        return cls(*(datetime.fromisoformat(document[key]) for key in ("Last", "Next", "LastUpdated")))


def fresh_status(schedule: Schedule, now: datetime) -> ScheduleStatus:
    return ScheduleStatus(NEVER, schedule.next_after(now), now)


def resume_status(recorded: ScheduleStatus | None, schedule: Schedule, now: datetime) -> ScheduleStatus:
    """The status to go on with. It is past due when `next` lies before `now`.

    A recorded status that does not follow from the schedule was written for another schedule: the
    time it names was never promised, so it is not past due.
    """
    if recorded is None:
        return fresh_status(schedule, now)
    basis = recorded.last if recorded.last > NEVER else recorded.last_updated
    expected = schedule.next_after(basis)
    if recorded.next == expected:
        return recorded
    if now > expected:
        return fresh_status(schedule, now)
    return ScheduleStatus(NEVER, expected, basis)


def advance_status(
    status: ScheduleStatus, schedule: Schedule, invoked_at: datetime, *, scheduled: bool
) -> ScheduleStatus:
    """After a run. Ticks missed while it ran lie in the past of `next` together: one run follows."""
    # A timer that fires a moment early must not compute the very same tick again.
    basis = max(invoked_at, status.next) if scheduled else invoked_at
    return ScheduleStatus(last=basis, next=schedule.next_after(basis), last_updated=basis)


class ScheduleMonitor(Protocol):
    async def read(self) -> ScheduleStatus | None: ...

    async def write(self, status: ScheduleStatus) -> None: ...


class BlobScheduleMonitor:
    def __init__(self, container: ContainerClient, host_id: str, function: str) -> None:
        self._blob = container.get_blob_client(f"timers/{host_id}/Host.Functions.{function}/status")
        self._function = function

    async def read(self) -> ScheduleStatus | None:
        try:
            download = await self._blob.download_blob()
        except ResourceNotFoundError:
            return None
        try:
            return ScheduleStatus.from_json(json.loads(await download.readall()))
        except (ValueError, KeyError) as error:
            logger.warning(f"function={self._function} has an unreadable schedule status: {error!r}")
            return None

    async def write(self, status: ScheduleStatus) -> None:
        try:
            await self._blob.upload_blob(json.dumps(status.to_json()), overwrite=True)
        except AzureError as error:
            # Best effort, as in Azure: the schedule goes on without its memory.
            logger.warning(f"function={self._function} cannot write its schedule status: {error}")
