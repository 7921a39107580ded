"""Waiting for a time or for a word, whichever comes first; and the words listeners wait for.

A queue output of this very host wakes the queue's listener from its back-off, as Azure's does
(SharedQueueWatcher.cs). Messages that others send are found by polling.
"""

import asyncio
from collections import defaultdict


async def wait_for_any(timeout_s: float | None, *events: asyncio.Event) -> bool:
    """True as soon as one event is set, False after the time."""
    if any(event.is_set() for event in events):
        return True
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        done, _ = await asyncio.wait(waits, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
    return bool(done)


class Wakeups:
    def __init__(self) -> None:
        self._by_queue: dict[str, list[asyncio.Event]] = defaultdict(list)

    def subscribe(self, queue_name: str) -> asyncio.Event:
        event = asyncio.Event()
        self._by_queue[queue_name].append(event)
        return event

    def wake(self, queue_name: str) -> None:
        for event in self._by_queue[queue_name]:
            event.set()
