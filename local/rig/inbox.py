"""Stands for the people who are told: a web server that keeps what the webhook channel posts to it."""

import json
from threading import Lock
from typing import Any

from local.loopback import LoopbackServer, Reply, Request


class Inbox(LoopbackServer):
    """Receives notifications; `refuse_next` makes it answer errors first, as a busy receiver would."""

    def __init__(self) -> None:
        self._received: list[dict[str, Any]] = []
        self._refusals: list[int] = []
        self._lock = Lock()

    def reply(self, request: Request) -> Reply:
        notification = json.loads(request.body)
        with self._lock:
            if self._refusals:
                return Reply(status=self._refusals.pop(0))
            self._received.append(notification)
            return Reply(status=202)

    def refuse_next(self, *statuses: int) -> None:
        """Answer the next posts with these statuses instead of taking them."""
        with self._lock:
            self._refusals += statuses

    @property
    def received(self) -> list[dict[str, Any]]:
        """What was taken so far, oldest first."""
        with self._lock:
            return list(self._received)
