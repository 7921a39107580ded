"""The pieces of the queue trigger, over a real queue but without a process around them."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random
from uuid import uuid4

import pytest
from azure.storage.queue import QueueMessage
from azure.storage.queue.aio import QueueClient

from local.functions_host.backoff import PollingBackoff
from local.functions_host.host_json import QueueOptions
from local.functions_host.message_processor import MessageProcessor, RunMessage
from local.functions_host.queue_listener import QueueListener

OPTIONS = QueueOptions(message_encoding="none", max_polling_interval=timedelta(milliseconds=100))


@dataclass
class Queues:
    work: QueueClient
    poison: QueueClient

    async def texts(self, queue: QueueClient) -> list[str]:
        return [message.content for message in await queue.peek_messages(max_messages=32)]

    async def receive(self) -> QueueMessage | None:
        return await self.work.receive_message(visibility_timeout=60)


def run_with_queues(storage: str, scenario: Callable[[Queues], Awaitable[None]]) -> None:
    async def run() -> None:
        name = f"q-{uuid4().hex[:10]}"
        work = QueueClient.from_connection_string(storage, name)
        poison = QueueClient.from_connection_string(storage, f"{name}-poison")
        async with work, poison:
            await work.create_queue()
            await scenario(Queues(work, poison))

    asyncio.run(run())


def answers(succeeded: bool) -> RunMessage:
    async def run(_message: QueueMessage, _body: bytes) -> bool:
        return succeeded

    return run


def listener(
    queues: Queues, process: Callable[[QueueMessage], Awaitable[None]], options: QueueOptions
) -> QueueListener:
    backoff = PollingBackoff(options.max_polling_interval, Random(1))
    return QueueListener(queues.work, process, options, backoff, asyncio.Event())


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(("batch_size", "threshold"), [(1, 0), (4, 0), (4, 2)])
def test_a_new_batch_comes_when_no_more_than_the_threshold_still_run(
    storage: str, batch_size: int, threshold: int
) -> None:
    async def scenario(queues: Queues) -> None:
        running = started = 0
        may_end = asyncio.Semaphore(0)

        async def process(message: QueueMessage) -> None:
            nonlocal running, started
            running, started = running + 1, started + 1
            await may_end.acquire()
            running -= 1
            await queues.work.delete_message(message.id, message.pop_receipt)

        for number in range(3 * batch_size):
            await queues.work.send_message(str(number))
        options = replace(OPTIONS, batch_size=batch_size, new_batch_threshold=threshold)
        tested = listener(queues, process, options)
        run = asyncio.create_task(tested.run())
        await until(lambda: started == batch_size)
        for _ in range(batch_size - threshold):
            may_end.release()
        await until(lambda: started == 2 * batch_size)
        await asyncio.sleep(0.15)
        assert (running, started) == (batch_size + threshold, 2 * batch_size)
        tested.stop()
        for _ in range(running):
            may_end.release()
        await run

    run_with_queues(storage, scenario)


def test_stopping_waits_for_the_messages_already_received(storage: str) -> None:
    async def scenario(queues: Queues) -> None:
        begun, ended = asyncio.Event(), asyncio.Event()

        async def process(_message: QueueMessage) -> None:
            begun.set()
            await asyncio.sleep(0.2)
            ended.set()

        await queues.work.send_message("x")
        tested = listener(queues, process, OPTIONS)
        run = asyncio.create_task(tested.run())
        await begun.wait()
        tested.stop()
        await run
        assert ended.is_set()

    run_with_queues(storage, scenario)


def test_an_idle_listener_is_woken_by_an_output_of_its_host(storage: str) -> None:
    async def scenario(queues: Queues) -> None:
        found, woken = asyncio.Event(), asyncio.Event()

        async def process(_message: QueueMessage) -> None:
            found.set()

        backoff = PollingBackoff(timedelta(minutes=1), Random(1))
        while backoff.found_nothing() < 30:
            pass  # as after an idle minute: the next poll is half a minute away
        tested = QueueListener(queues.work, process, OPTIONS, backoff, woken)
        run = asyncio.create_task(tested.run())
        await asyncio.sleep(0.3)
        await queues.work.send_message("x")
        await asyncio.sleep(0.3)
        assert not found.is_set()
        woken.set()
        await asyncio.wait_for(found.wait(), 5)
        tested.stop()
        await run

    run_with_queues(storage, scenario)


def test_a_missing_queue_is_created_when_polled(storage: str) -> None:
    async def scenario(queues: Queues) -> None:
        await queues.work.delete_queue()
        tested = listener(queues, lambda _message: asyncio.sleep(0), OPTIONS)
        run = asyncio.create_task(tested.run())
        await asyncio.sleep(0.3)
        tested.stop()
        await run
        assert await queues.texts(queues.work) == []

    run_with_queues(storage, scenario)


def test_a_failed_message_is_visible_again_after_the_visibility_timeout(storage: str) -> None:
    async def scenario(queues: Queues) -> None:
        options = replace(OPTIONS, visibility_timeout=timedelta(seconds=1))
        tested = MessageProcessor(queues.work, queues.poison, options, answers(False))
        await queues.work.send_message("x")
        message = await queues.receive()
        assert message is not None
        await tested.process(message)
        assert await queues.texts(queues.work) == []
        await asyncio.sleep(1.1)
        assert await queues.texts(queues.work) == ["x"]

    run_with_queues(storage, scenario)


@pytest.mark.parametrize("text", ["not base64!", "YQ", "ä"])
def test_an_undecodable_message_goes_to_poison_as_it_came(storage: str, text: str) -> None:
    async def scenario(queues: Queues) -> None:
        options = replace(OPTIONS, message_encoding="base64")
        tested = MessageProcessor(queues.work, queues.poison, options, answers(True))
        await queues.work.send_message(text)
        message = await queues.receive()
        assert message is not None
        await tested.process(message)
        assert await queues.texts(queues.poison) == [text]
        assert (await queues.work.get_queue_properties()).approximate_message_count == 0

    run_with_queues(storage, scenario)


def test_a_message_seen_too_often_is_not_run_again(storage: str) -> None:
    """A host that dies each time never gets to count its failure: the dequeue count does."""

    async def scenario(queues: Queues) -> None:
        options = replace(OPTIONS, max_dequeue_count=1)
        tested = MessageProcessor(queues.work, queues.poison, options, answers(True))
        await queues.work.send_message("x")
        first = await queues.receive()
        assert first is not None
        await queues.work.update_message(first.id, first.pop_receipt, visibility_timeout=0)
        second = await queues.receive()
        assert second is not None
        await tested.process(second)
        assert await queues.texts(queues.poison) == ["x"]

    run_with_queues(storage, scenario)


def test_a_running_message_stays_hidden_longer_than_its_first_period(storage: str) -> None:
    async def scenario(queues: Queues) -> None:
        async def slow(_message: QueueMessage, _body: bytes) -> bool:
            await asyncio.sleep(2.5)
            return True

        hidden = timedelta(seconds=2)
        tested = MessageProcessor(queues.work, queues.poison, OPTIONS, slow, hidden)
        await queues.work.send_message("x")
        message = await queues.work.receive_message(visibility_timeout=2)
        assert message is not None
        first_receipt = message.pop_receipt
        processing = asyncio.create_task(tested.process(message))
        await asyncio.sleep(2.2)
        assert await queues.texts(queues.work) == []
        await processing
        assert message.pop_receipt != first_receipt
        assert (await queues.work.get_queue_properties()).approximate_message_count == 0

    run_with_queues(storage, scenario)


def test_a_message_taken_over_by_another_host_is_left_to_it(storage: str, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(queues: Queues) -> None:
        async def slow(message: QueueMessage, _body: bytes) -> bool:
            await queues.work.update_message(message.id, message.pop_receipt, visibility_timeout=0)
            assert await queues.receive() is not None
            return True

        tested = MessageProcessor(queues.work, queues.poison, OPTIONS, slow)
        await queues.work.send_message("x")
        message = await queues.receive()
        assert message is not None
        await tested.process(message)
        assert (await queues.work.get_queue_properties()).approximate_message_count == 1

    run_with_queues(storage, scenario)
    assert "was taken over" in caplog.text
