"""A TCP proxy in front of a server that can lose replies: the server carried out what its client never hears of."""

import socket
from contextlib import suppress
from threading import Lock, Thread
from typing import Self
from urllib.parse import urlsplit

_CHUNK_BYTES = 65536
_BUSY = b"HTTP/1.1 503 Server Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class LossyProxy:
    """Forwards connections; use it in a `with` statement."""

    def __init__(self, target_url: str) -> None:
        parts = urlsplit(target_url)
        assert parts.hostname
        assert parts.port
        self._target = (parts.hostname, parts.port)
        self._marker = b""
        self._instead = b""
        self._open: list[socket.socket] = []
        self._doomed: socket.socket | None = None
        self._lock = Lock()
        self.lost = 0

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = Thread(target=self._accept, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    def lose_next_reply(self, marker: bytes) -> None:
        """Cut the connection in place of the reply to the next request that contains the marker."""
        self._marker, self._instead = marker, b""

    def say_busy_instead(self, marker: bytes) -> None:
        """Answer 503 in place of the reply to the next request that contains the marker."""
        self._marker, self._instead = marker, _BUSY

    def stop(self) -> None:
        """Be gone: every connection breaks, and new ones are refused."""
        # Closing alone leaves the thread in `accept`, and the port open.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        with self._lock:
            for end in self._open:
                _cut(end)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._target)
            with self._lock:
                self._open += [client, server]
            Thread(target=self._forward, args=(client, server), daemon=True).start()

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        answers = Thread(target=self._answer, args=(server, client), daemon=True)
        answers.start()
        with suppress(OSError):
            while chunk := client.recv(_CHUNK_BYTES):
                if self._marker and self._marker in chunk:
                    self._marker, self._doomed = b"", client
                server.sendall(chunk)
        _cut(server)
        answers.join()

    def _answer(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while chunk := server.recv(_CHUNK_BYTES):
                if self._doomed is client:
                    self.lost += 1
                    client.sendall(self._instead)
                    break
                client.sendall(chunk)
        _cut(client)


def _cut(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
