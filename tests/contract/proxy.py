"""A TCP proxy in front of a server that can lose replies: the server carried out what its client never hears of."""

import socket
from contextlib import suppress
from threading import Lock, Thread
from urllib.parse import urlsplit

from tests.contract.listener import Listener

_CHUNK_BYTES = 65536
_BUSY = b"HTTP/1.1 503 Server Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class LossyProxy(Listener):
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

    def lose_next_reply(self, marker: bytes) -> None:
        """Cut the connection in place of the reply to the next request that contains the marker."""
        self._marker, self._instead = marker, b""

    def say_busy_instead(self, marker: bytes) -> None:
        """Answer 503 in place of the reply to the next request that contains the marker."""
        self._marker, self._instead = marker, _BUSY

    def stop(self) -> None:
        """Be gone: every connection breaks, and new ones are refused."""
        super().stop()
        with self._lock:
            for end in self._open:
                _cut(end)

    def take(self, peer: socket.socket) -> None:
        server = socket.create_connection(self._target)
        with self._lock:
            self._open += [peer, server]
        Thread(target=self._forward, args=(peer, server), daemon=True).start()

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
