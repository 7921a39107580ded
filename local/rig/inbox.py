"""Stands for the people who are told: a web server that keeps what the webhook channel posts to it."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any, Self


class Inbox:
    """Receives notifications; `refuse_next` makes it answer errors first, as a busy receiver would."""

    def __init__(self) -> None:
        self._received: list[dict[str, Any]] = []
        self._refusals: list[int] = []
        self._lock = Lock()

    def __enter__(self) -> Self:
        inbox = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                self.send_response(inbox.take(json.loads(body)))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # the base class names it so
                """Quiet: what arrives is kept, not logged."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/"

    def refuse_next(self, *statuses: int) -> None:
        """Answer the next posts with these statuses instead of taking them."""
        with self._lock:
            self._refusals += statuses

    def take(self, notification: dict[str, Any]) -> int:
        """Keep a notification; returns the status to answer."""
        with self._lock:
            if self._refusals:
                return self._refusals.pop(0)
            self._received.append(notification)
            return 202

    @property
    def received(self) -> list[dict[str, Any]]:
        """What was taken so far, oldest first."""
        with self._lock:
            return list(self._received)
