"""Polling one queue: batches of at most batchSize, more when newBatchThreshold or fewer still run.

QueueListener.cs and https://learn.microsoft.com/azure/azure-functions/functions-bindings-storage-queue.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime

from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.storage.queue import QueueMessage
from azure.storage.queue.aio import QueueClient

from local.functions_host.backoff import PollingBackoff
from local.functions_host.bindings import FunctionDefinition
from local.functions_host.errors import FunctionFailed
from local.functions_host.host_json import QueueOptions
from local.functions_host.invoker import Invoke
from local.functions_host.message_processor import HIDDEN_WHILE_RUNNING, RunMessage
from local.functions_host.messages import TypedData
from local.functions_host.storage_clients import create_if_missing
from local.functions_host.wakeups import wait_for_any
from local.functions_host.worker import Invocation

logger = logging.getLogger("functions_host")

type ProcessMessage = Callable[[QueueMessage], Awaitable[None]]


class QueueListener:
    def __init__(
        self,
        queue: QueueClient,
        process: ProcessMessage,
        options: QueueOptions,
        backoff: PollingBackoff,
        woken: asyncio.Event,
    ) -> None:
        self._queue = queue
        self._process = process
        self._options = options
        self._backoff = backoff
        self._woken = woken
        self._stopped = asyncio.Event()
        self._running: set[asyncio.Task[None]] = set()

    def stop(self) -> None:
        self._stopped.set()

    async def run(self) -> None:
        """Returns after stop(), when the messages already received have been processed."""
        while not self._stopped.is_set():
            self._woken.clear()
            # Never cancelled half-way: a batch that was received and dropped stays hidden for long.
            messages = await self._receive()
            for message in messages:
                self._start(message)
            if messages:
                self._backoff.found_messages()
                await self._until_running_at_most(self._options.new_batch_threshold)
            else:
                await wait_for_any(self._backoff.found_nothing(), self._stopped, self._woken)
        await self._until_running_at_most(0)

    async def _receive(self) -> list[QueueMessage]:
        try:
            pages = self._queue.receive_messages(
                messages_per_page=self._options.batch_size,
                visibility_timeout=int(HIDDEN_WHILE_RUNNING.total_seconds()),
            ).by_page()
            async for page in pages:
                return [message async for message in page]
        except ResourceNotFoundError:
            await self._create_queue()
        except AzureError as error:
            logger.warning(f"queue={self._queue.queue_name} cannot be polled: {error}")
        return []

    async def _create_queue(self) -> None:
        try:
            await create_if_missing(self._queue)
        except AzureError as error:
            logger.warning(f"queue={self._queue.queue_name} cannot be created: {error}")

    def _start(self, message: QueueMessage) -> None:
        task = asyncio.ensure_future(self._process(message))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _until_running_at_most(self, count: int) -> None:
        while len(self._running) > count:
            await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)


def run_once(function: FunctionDefinition, invoke: Invoke) -> RunMessage:
    async def run(message: QueueMessage, body: bytes) -> bool:
        try:
            await invoke(Invocation(function, _trigger_value(body), _metadata(message)))
        except FunctionFailed:
            return False
        return True

    return run


def run_twice(function: FunctionDefinition, invoke: Invoke) -> RunMessage:
    """As an at-least-once queue may: both at the same time, then both in turn, and so on."""
    once = run_once(function, invoke)
    at_once = False

    async def run(message: QueueMessage, body: bytes) -> bool:
        nonlocal at_once
        at_once = not at_once
        if at_once:
            ended_well = await asyncio.gather(once(message, body), once(message, body))
        else:
            ended_well = (await once(message, body), await once(message, body))
        logger.info(f"function={function.name} message={message.id} was delivered twice")
        return all(ended_well)

    return run


def _trigger_value(body: bytes) -> TypedData:
    try:
        return TypedData(string=body.decode("utf-8"))
    except UnicodeDecodeError:
        return TypedData(bytes=body)


def _metadata(message: QueueMessage) -> dict[str, TypedData]:
    times = {
        "InsertionTime": message.inserted_on,
        "ExpirationTime": message.expires_on,
        "NextVisibleTime": message.next_visible_on,
    }
    return {
        "Id": TypedData(string=message.id),
        "PopReceipt": TypedData(string=message.pop_receipt),
        "DequeueCount": TypedData(json=str(message.dequeue_count)),
        **{name: TypedData(json=json.dumps(_iso(moment))) for name, moment in times.items() if moment},
    }


def _iso(moment: datetime) -> str:
    return moment.isoformat()
