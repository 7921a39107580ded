"""The doorbell in Azure Queue Storage. A ring carries ids only; a message that is put back is as it came.

The queue trigger expects base64 unless host.json says otherwise, and Python's client sends plain text unless told so:
https://learn.microsoft.com/azure/azure-functions/functions-bindings-storage-queue
"""

import json
import math
from base64 import b64decode
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.queue import QueueClient

from shared.adapters.azure_errors import translated
from shared.ports import SetAside, queue_of_runs

_WATCH = "watch"
_CHECKPOINTS = "checkpoints"
_NOTIFICATIONS = "notifications"
# A ring that nobody heard for this long is worthless: the watch has long rung again.
_LIFETIME = timedelta(hours=1)
_WEEK = timedelta(days=7)
_MOST_SET_ASIDE = 64
_SET_ASIDE_HIDDEN_S = 60


class QueueDoorbell:
    """Fulfils `ports.Doorbell`, `Warmer`, `Returns`, `Mail` and `PoisonQueues`. Safe to use from many threads."""

    def __init__(self, queue: Callable[[str], QueueClient]) -> None:
        """`queue` returns the client of the queue of that name, the same one each time."""
        self._queue = queue

    def rollback(self, rollback_id: str, level: int, *, after: timedelta = timedelta(0)) -> None:
        self._send(queue_of_runs(level), {"rollback": rollback_id}, after)

    def warm_up(self, workload: str, level: int) -> None:
        self._send(f"rollback-level-{level}", {"warm_up": workload}, timedelta(0))

    def watch(self, workload: str) -> None:
        self._send(_WATCH, {"workload": workload}, timedelta(0))

    def checkpoints(self, workload: str) -> None:
        self._send(_CHECKPOINTS, {"workload": workload}, timedelta(0))

    def delivery(self, workload: str, delivery_id: str, *, after: timedelta = timedelta(0)) -> None:
        self._send(_NOTIFICATIONS, {"workload": workload, "delivery": delivery_id}, after)

    def put_back(self, name: str, text: str, *, after: timedelta) -> None:
        """Put a message back that was good but could not be used yet; it waits for up to a week."""
        self._put(f"putting a message back to {name}", name, text, after, _WEEK)

    def set_aside(self, queue: str) -> list[SetAside]:
        """Fulfils `ports.PoisonQueues`; a queue that is not there has nothing in it."""
        with translated(f"reading what was set aside of {queue}"):
            try:
                pages = self._queue(f"{queue}-poison").receive_messages(
                    max_messages=_MOST_SET_ASIDE, visibility_timeout=_SET_ASIDE_HIDDEN_S
                )
                return [SetAside(found.id, _text(found.content), found.pop_receipt or "") for found in pages]
            except ResourceNotFoundError:
                return []

    def remove(self, queue: str, message: SetAside) -> None:
        with translated(f"removing what was set aside of {queue}"), suppress(ResourceNotFoundError):
            self._queue(f"{queue}-poison").delete_message(message.id, message.receipt)

    def waiting_since(self, queue: str) -> datetime | None:
        """Fulfils `ports.Mail`; a queue that is not there has nothing in it."""
        with translated(f"looking into {queue}"):
            try:
                found = self._queue(queue).peek_messages(max_messages=1)
            except ResourceNotFoundError:
                return None
        return found[0].inserted_on if found else None

    def _send(self, name: str, ids: dict[str, str], after: timedelta) -> None:
        self._put(f"ringing {name}", name, json.dumps(ids), after, _LIFETIME)

    def _put(self, what: str, name: str, text: str, after: timedelta, lifetime: timedelta) -> None:
        """Send a message; it lives for `lifetime` from when it can be seen, for a message's own counts from now."""
        queue = self._queue(name)
        hidden_s = math.ceil(after.total_seconds())
        lifetime_s = hidden_s + int(lifetime.total_seconds())
        with translated(what):
            try:
                queue.send_message(text, visibility_timeout=hidden_s, time_to_live=lifetime_s)
            except ResourceNotFoundError:
                _create(queue)
                queue.send_message(text, visibility_timeout=hidden_s, time_to_live=lifetime_s)


def _text(content: Any) -> str:
    """Return what a message says; the host writes base64, and others may have put anything there."""
    try:
        return b64decode(content, validate=True).decode()
    except (ValueError, TypeError):
        return str(content)


def _create(queue: QueueClient) -> None:
    try:
        queue.create_queue()
    except ResourceExistsError:
        return
