"""The pieces of the timer trigger, over real blobs but without a process around them."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from azure.storage.blob.aio import BlobClient, BlobLeaseClient, BlobServiceClient, ContainerClient

from local.functions_host.bindings import FunctionDefinition, TimerTrigger
from local.functions_host.blob_lease import BlobLease
from local.functions_host.errors import FunctionFailed
from local.functions_host.invoker import Invoke, Outputs
from local.functions_host.schedule import ConstantSchedule
from local.functions_host.schedule_status import BlobScheduleMonitor, ScheduleStatus
from local.functions_host.timer_listener import TimerListener
from local.functions_host.worker import Invocation

LEASE = timedelta(seconds=15)
OFTEN = ConstantSchedule(timedelta(seconds=0.1))
TRIGGER = TimerTrigger(parameter="timer", schedule="", run_on_startup=False, use_monitor=False)
TICK = FunctionDefinition(name="tick", function_id="1", trigger=TRIGGER, outputs=(), disabled=False)


def run_with_container(storage: str, scenario: Callable[[ContainerClient], Awaitable[None]]) -> None:
    async def run() -> None:
        async with BlobServiceClient.from_connection_string(storage) as blobs:
            await scenario(blobs.get_container_client(f"hosts-{uuid4().hex[:10]}"))

    asyncio.run(run())


def lease(container: ContainerClient, renewal: timedelta | None = None) -> BlobLease:
    return BlobLease(container, "app/tick.Listener", LEASE, renewal)


def counting(calls: list[str], name: str) -> Invoke:
    async def invoke(_invocation: Invocation) -> Outputs:
        calls.append(name)
        return {}

    return invoke


def timer(
    container: ContainerClient,
    invoke: Invoke,
    monitor: BlobScheduleMonitor | None = None,
    renewal: timedelta | None = None,
) -> TimerListener:
    return TimerListener(
        function=TICK,
        schedule=OFTEN,
        monitor=monitor,
        run_on_startup=False,
        lease=lease(container, renewal),
        recovery_polling_s=0.1,
        invoke=invoke,
    )


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.01)


def test_one_holds_the_lease_and_the_next_gets_it_when_it_is_released(storage: str) -> None:
    async def scenario(container: ContainerClient) -> None:
        first, second = lease(container), lease(container)
        assert await first.acquire()
        assert not await second.acquire()
        await first.release()
        assert await second.acquire()

    run_with_container(storage, scenario)


def test_the_waiting_instance_takes_over_when_the_first_stops(storage: str) -> None:
    async def scenario(container: ContainerClient) -> None:
        calls: list[str] = []
        one = timer(container, counting(calls, "one"))
        first = asyncio.create_task(one.run())
        await until(lambda: "one" in calls)
        two = timer(container, counting(calls, "two"))
        second = asyncio.create_task(two.run())
        await asyncio.sleep(0.3)
        assert set(calls) == {"one"}
        one.stop()
        await first
        await until(lambda: "two" in calls)
        two.stop()
        await second

    run_with_container(storage, scenario)


def test_a_lost_lease_stops_the_ticks(storage: str) -> None:
    async def scenario(container: ContainerClient) -> None:
        calls: list[str] = []
        tested = timer(container, counting(calls, "tick"), renewal=timedelta(seconds=0.1))
        run = asyncio.create_task(tested.run())
        await until(lambda: len(calls) > 2)
        blob = container.get_blob_client("locks/app/tick.Listener")
        await take(blob)
        await asyncio.sleep(0.3)
        ticks = len(calls)
        await asyncio.sleep(0.3)
        assert len(calls) == ticks
        tested.stop()
        await run
        assert (await blob.get_blob_properties()).lease.state == "leased"  # still the other one's

    run_with_container(storage, scenario)


async def take(blob: BlobClient) -> None:
    await BlobLeaseClient(blob).break_lease(0)
    await blob.acquire_lease(lease_duration=15)


def test_a_slow_function_never_overlaps_and_missed_ticks_collapse(storage: str) -> None:
    async def scenario(container: ContainerClient) -> None:
        running = most_running = calls = 0

        async def slow(_invocation: Invocation) -> Outputs:
            nonlocal running, most_running, calls
            running, calls = running + 1, calls + 1
            most_running = max(most_running, running)
            await asyncio.sleep(0.25)
            running -= 1
            return {}

        tested = timer(container, slow)
        run = asyncio.create_task(tested.run())
        await asyncio.sleep(1.5)
        tested.stop()
        await run
        assert most_running == 1
        assert 2 <= calls <= 6  # one after the other, not the 14 ticks of the schedule

    run_with_container(storage, scenario)


def test_a_failing_function_does_not_stop_its_schedule(storage: str) -> None:
    async def scenario(container: ContainerClient) -> None:
        calls = 0

        async def fail(_invocation: Invocation) -> Outputs:
            nonlocal calls
            calls += 1
            raise FunctionFailed("told to", "")

        tested = timer(container, fail)
        run = asyncio.create_task(tested.run())
        await until(lambda: calls > 2)
        tested.stop()
        await run

    run_with_container(storage, scenario)


def test_a_missed_time_is_one_past_due_call_whatever_was_missed(storage: str) -> None:
    async def scenario(container: ContainerClient) -> None:
        await container.create_container()
        monitor = BlobScheduleMonitor(container, "app", "tick")
        last = datetime.now(UTC) - timedelta(hours=5)
        await monitor.write(ScheduleStatus(last, OFTEN.next_after(last), last))
        past_due: list[bool] = []

        async def invoke(invocation: Invocation) -> Outputs:
            past_due.append(json.loads(invocation.trigger.json)["IsPastDue"])
            return {}

        tested = timer(container, invoke, monitor)
        run = asyncio.create_task(tested.run())
        await until(lambda: len(past_due) > 3)
        tested.stop()
        await run
        assert past_due[:4] == [True, False, False, False]
        recorded = await monitor.read()
        assert recorded is not None
        assert abs(recorded.next - datetime.now(UTC)) < timedelta(seconds=2)

    run_with_container(storage, scenario)


def test_an_unreadable_status_counts_as_none(storage: str) -> None:
    async def scenario(container: ContainerClient) -> None:
        await container.create_container()
        monitor = BlobScheduleMonitor(container, "app", "tick")
        assert await monitor.read() is None
        for text in ("{", "{}", '{"Last": "x", "Next": "y", "LastUpdated": "z"}'):
            blob = container.get_blob_client("timers/app/Host.Functions.tick/status")
            await blob.upload_blob(text, overwrite=True)
            assert await monitor.read() is None

    run_with_container(storage, scenario)
