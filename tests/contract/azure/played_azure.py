"""A web server that answers every request with the JSON that a test chose, in Azure's place."""

import json
from collections.abc import Callable
from typing import Any

from local.loopback import LoopbackServer, Reply, Request


class PlayedAzure(LoopbackServer):
    """`answer` makes the answer to a request's JSON."""

    def __init__(self) -> None:
        self.answer: Callable[[Any], Any] = lambda _: {}
        self.status = 200
        self.asked: list[Any] = []

    def reply(self, request: Request) -> Reply:
        self.asked.append(json.loads(request.body or b"null"))
        body = json.dumps(self.answer(self.asked[-1])).encode()
        return Reply(status=self.status, headers={"Content-Type": "application/json"}, body=body)
