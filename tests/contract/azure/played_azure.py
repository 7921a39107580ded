"""A web server that answers every request with the JSON that a test chose, in Azure's place."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any


@dataclass(slots=True)
class PlayedAzure:
    """`answer` makes the answer to a request's JSON."""

    answer: Callable[[Any], Any] = lambda _: {}
    status: int = 200
    asked: list[Any] = field(default_factory=list)
    url: str = ""


@contextmanager
def played_azure() -> Iterator[PlayedAzure]:
    played = PlayedAzure()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            played.asked.append(json.loads(sent or b"null"))
            body = json.dumps(played.answer(played.asked[-1])).encode()
            self.send_response(played.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST  # noqa: N815  # the base class looks for this name

        def log_message(self, format: str, *args: object) -> None:  # the base class names it so
            """Quiet."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        played.url = f"http://127.0.0.1:{server.server_address[1]}"
        yield played
        server.shutdown()
        thread.join()
