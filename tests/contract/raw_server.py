"""A TCP server that answers every connection with the same bytes, at its own pace, whether or not they are HTTP."""

import socket
from collections.abc import Sequence
from contextlib import suppress
from threading import Event, Lock, Thread

from tests.contract.listener import Listener

_MOST_BYTES = 65536


class RawServer(Listener):
    """Sends `pieces` with `pause_s` before each, then closes; with `hold`, it keeps quiet until it is stopped."""

    def __init__(self, *pieces: bytes, pause_s: float = 0.0, hold: bool = False) -> None:
        self._pieces: Sequence[bytes] = pieces
        self._pause_s = pause_s
        self._hold = hold
        self._stopping = Event()
        self._answering: list[Thread] = []
        self._lock = Lock()
        self.heard = b""

    def stop(self) -> None:
        self._stopping.set()
        super().stop()
        for thread in self._answering:
            thread.join()

    def take(self, peer: socket.socket) -> None:
        answering = Thread(target=self._answer, args=(peer,), daemon=True)
        self._answering.append(answering)
        answering.start()

    def _answer(self, peer: socket.socket) -> None:
        with peer, suppress(OSError):
            heard = peer.recv(_MOST_BYTES)
            with self._lock:
                self.heard += heard
            for piece in self._pieces:
                if self._stopping.wait(self._pause_s):
                    return
                peer.sendall(piece)
            if self._hold:
                self._stopping.wait()
            # A close with unread bytes resets the connection, and the peer would lose what was sent.
            peer.shutdown(socket.SHUT_WR)
            peer.settimeout(1)
            while peer.recv(_MOST_BYTES):
                """Until the peer has closed."""
