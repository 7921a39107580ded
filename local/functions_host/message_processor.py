"""One queue message from receipt to its end: deleted, made visible again, or moved to poison.

QueueProcessor.cs. Messages are at least once: a process that dies leaves its messages hidden for
what is left of ten minutes.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta

from azure.core.exceptions import AzureError
from azure.storage.queue import QueueMessage
from azure.storage.queue.aio import QueueClient

from local.functions_host.host_json import QueueOptions
from local.functions_host.queue_encoding import UndecodableMessage, decode
from local.functions_host.storage_clients import send_creating
from local.functions_host.wakeups import wait_for_any

logger = logging.getLogger("functions_host")

HIDDEN_WHILE_RUNNING = timedelta(minutes=10)

type RunMessage = Callable[[QueueMessage, bytes], Awaitable[bool]]


class MessageProcessor:
    def __init__(
        self,
        queue: QueueClient,
        poison_queue: QueueClient,
        options: QueueOptions,
        run: RunMessage,
        hidden: timedelta = HIDDEN_WHILE_RUNNING,
    ) -> None:
        self._queue = queue
        self._poison_queue = poison_queue
        self._options = options
        self._run = run
        self._hidden_s = hidden.total_seconds()

    async def process(self, message: QueueMessage) -> None:
        try:
            await self._process(message)
        except AzureError as error:
            fate = "was taken over" if _is_taken_over(error) else f"is left hidden: {error}"
            logger.warning(f"queue={self._queue.queue_name} message={message.id} {fate}")

    async def _process(self, message: QueueMessage) -> None:
        try:
            body = decode(message.content, self._options.message_encoding)
        except UndecodableMessage as error:
            logger.warning(f"queue={self._queue.queue_name} message={message.id}: {error}")
            await self._move_to_poison(message)
            return
        attempts = message.dequeue_count or 1
        if attempts > self._options.max_dequeue_count:
            await self._move_to_poison(message)
        elif await self._run_hidden(message, body):
            await self._queue.delete_message(message.id, message.pop_receipt)
        elif attempts >= self._options.max_dequeue_count:
            await self._move_to_poison(message)
        else:
            await self._hide(message, self._options.visibility_timeout.total_seconds())

    async def _run_hidden(self, message: QueueMessage, body: bytes) -> bool:
        ended = asyncio.Event()
        renewal = asyncio.create_task(self._keep_hidden(message, ended))
        try:
            return await self._run(message, body)
        finally:
            # Not cancelled: a renewal that is under way changes the pop receipt we need next.
            ended.set()
            await renewal

    async def _keep_hidden(self, message: QueueMessage, ended: asyncio.Event) -> None:
        wait_s = self._hidden_s / 2
        while not await wait_for_any(wait_s, ended):
            try:
                await self._hide(message, self._hidden_s)
            except AzureError as error:
                if _is_taken_over(error):
                    return
                logger.warning(f"queue={self._queue.queue_name} message={message.id} not renewed: {error}")
                wait_s = self._hidden_s / 20
            else:
                wait_s = self._hidden_s / 2

    async def _hide(self, message: QueueMessage, seconds: float) -> None:
        # By id: handing the message over would send its content again as well.
        updated = await self._queue.update_message(message.id, message.pop_receipt, visibility_timeout=int(seconds))
        message.pop_receipt = updated.pop_receipt

    async def _move_to_poison(self, message: QueueMessage) -> None:
        poison = self._poison_queue
        logger.error(f"queue={self._queue.queue_name} message={message.id} goes to {poison.queue_name}")
        await send_creating(poison, message.content)
        await self._queue.delete_message(message.id, message.pop_receipt)


def _is_taken_over(error: AzureError) -> bool:
    """The message became visible and was deleted, or was received by someone else."""
    return getattr(error, "error_code", None) in ("MessageNotFound", "PopReceiptMismatch")
