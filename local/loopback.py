"""A small web server on this machine that answers as whoever starts it says."""

import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Self

_METHODS = ("GET", "HEAD", "PUT", "POST", "PATCH", "MERGE", "DELETE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What arrived. `peer_port` tells one connection from another."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    peer_port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What is answered; the length of the body is added to the headers."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A peer that drops its connection is no trouble of ours."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class LoopbackServer(ABC):
    """Listens on a free port while it is entered; a kind of server says in `reply` what it answers."""

    def __enter__(self) -> Self:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def take(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                said = server.reply(
                    Request(
                        method=self.command,
                        path=self.path,
                        headers=dict(self.headers),
                        body=body,
                        peer_port=self.client_address[1],
                    )
                )
                self.send_response_only(said.status)
                for name, value in said.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(said.body)))
                self.end_headers()
                self.wfile.write(said.body)

            def log_message(self, format: str, *args: object) -> None:  # the base class names it so
                """Quiet: what arrives is kept, not logged."""

        for method in _METHODS:
            setattr(Handler, f"do_{method}", Handler.take)
        self._server = _Server(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """Its address, without a path."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @abstractmethod
    def reply(self, request: Request) -> Reply:
        """Answer one request; many may come at once."""
