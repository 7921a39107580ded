"""One timer function: waits for its lock, then for its due times, and runs it one call at a time.

TimerListener.cs, SingletonListener.cs. Differs from Azure in one point: a listener whose lease is lost
goes back to waiting for it, where Azure restarts the host.
"""

import asyncio
import json
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from azure.core.exceptions import AzureError

from local.functions_host.bindings import FunctionDefinition
from local.functions_host.blob_lease import BlobLease
from local.functions_host.errors import FunctionFailed
from local.functions_host.invoker import Invoke
from local.functions_host.messages import TypedData
from local.functions_host.schedule import Schedule
from local.functions_host.schedule_status import (
    ScheduleMonitor,
    ScheduleStatus,
    advance_status,
    fresh_status,
    resume_status,
)
from local.functions_host.wakeups import wait_for_any
from local.functions_host.worker import Invocation

logger = logging.getLogger("functions_host")


def timer_info(status: ScheduleStatus | None, *, past_due: bool) -> TypedData:
    """TimerInfo.cs as JSON; without a monitor there is no status."""
    info = {
        "Schedule": {"AdjustForDST": True},
        "ScheduleStatus": status.to_json() if status is not None else None,
        "IsPastDue": past_due,
    }
    return TypedData(json=json.dumps(info))


@dataclass
class TimerListener:
    function: FunctionDefinition
    schedule: Schedule
    monitor: ScheduleMonitor | None
    run_on_startup: bool
    lease: BlobLease
    recovery_polling_s: float
    invoke: Invoke
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    _stopped: asyncio.Event = field(default_factory=asyncio.Event)

    def stop(self) -> None:
        self._stopped.set()

    async def run(self) -> None:
        """Returns after stop(), when a running call has ended and the lease is given back."""
        while not self._stopped.is_set():
            try:
                if await self.lease.acquire():
                    await self._hold()
            except AzureError as error:
                logger.warning(f"function={self.function.name} cannot reach its lock: {error}")
            await wait_for_any(self.recovery_polling_s, self._stopped)

    async def _hold(self) -> None:
        lost = asyncio.Event()
        renewal = asyncio.create_task(self.lease.renew_until_lost())
        renewal.add_done_callback(lambda _: lost.set())
        try:
            await self._tick(lost)
        finally:
            renewal.cancel()
            await self.lease.release()

    async def _tick(self, lost: asyncio.Event) -> None:
        status = await self._start()
        while not await wait_for_any(self._seconds_until(status.next), self._stopped, lost):
            status = await self._run(status, past_due=False, scheduled=True)

    async def _start(self) -> ScheduleStatus:
        """The status to begin with, after the one call that is due at once, if any."""
        now = self.now()
        if self.monitor is None:
            status, past_due = fresh_status(self.schedule, now), False
        else:
            recorded = await self.monitor.read()
            status = resume_status(recorded, self.schedule, now)
            past_due = now > status.next
            if status != recorded:
                await self.monitor.write(status)
        if past_due or self.run_on_startup:
            return await self._run(status, past_due=past_due, scheduled=False)
        return status

    async def _run(self, status: ScheduleStatus, *, past_due: bool, scheduled: bool) -> ScheduleStatus:
        invoked_at = self.now()
        told = status if self.monitor is not None else None
        with suppress(FunctionFailed):  # logged; a failed run never stops the schedule
            await self.invoke(Invocation(self.function, timer_info(told, past_due=past_due)))
        status = advance_status(status, self.schedule, invoked_at, scheduled=scheduled)
        if self.monitor is not None:
            await self.monitor.write(status)
        return status

    def _seconds_until(self, due: datetime) -> float:
        return max(0.0, (due - self.now()).total_seconds())
