"""The doorbell in Azure Queue Storage. A message carries ids only.

The queue trigger expects base64 unless host.json says otherwise, and Python's client sends plain text unless told so:
https://learn.microsoft.com/azure/azure-functions/functions-bindings-storage-queue
"""

import json
import math
from collections.abc import Callable
from datetime import timedelta

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.queue import QueueClient

from shared.adapters.azure_errors import translated

_WATCH = "watch"
_NOTIFICATIONS = "notifications"
# A ring that nobody heard for this long is worthless: the watch has long rung again.
_LIFETIME = timedelta(hours=1)
_WEEK = timedelta(days=7)


class QueueDoorbell:
    """Fulfils `ports.Doorbell` and `ports.Warmer`. Safe to use from many threads."""

    def __init__(self, queue: Callable[[str], QueueClient]) -> None:
        """`queue` returns the client of the queue of that name, the same one each time."""
        self._queue = queue

    def rollback(self, rollback_id: str, level: int, *, after: timedelta = timedelta(0)) -> None:
        self._send(f"rollback-level-{level}", {"rollback": rollback_id}, after)

    def warm_up(self, workload: str, level: int) -> None:
        self._send(f"rollback-level-{level}", {"warm_up": workload}, timedelta(0))

    def watch(self, workload: str) -> None:
        self._send(_WATCH, {"workload": workload}, timedelta(0))

    def delivery(self, workload: str, delivery_id: str, *, after: timedelta = timedelta(0)) -> None:
        self._send(_NOTIFICATIONS, {"workload": workload, "delivery": delivery_id}, after)

    def put_back(self, name: str, text: str, *, after: timedelta) -> None:
        """Put a message back that was good but could not be used yet; it waits for up to a week."""
        with translated(f"putting a message back to {name}"):
            self._queue(name).send_message(
                text, visibility_timeout=math.ceil(after.total_seconds()), time_to_live=int(_WEEK.total_seconds())
            )

    def _send(self, name: str, ids: dict[str, str], after: timedelta) -> None:
        queue, text = self._queue(name), json.dumps(ids)
        hidden_s = math.ceil(after.total_seconds())
        lifetime_s = int(_LIFETIME.total_seconds()) + hidden_s
        with translated(f"ringing {name}"):
            try:
                queue.send_message(text, visibility_timeout=hidden_s, time_to_live=lifetime_s)
            except ResourceNotFoundError:
                _create(queue)
                queue.send_message(text, visibility_timeout=hidden_s, time_to_live=lifetime_s)


def _create(queue: QueueClient) -> None:
    try:
        queue.create_queue()
    except ResourceExistsError:
        return
