"""A TCP server that answers every connection with the same bytes, at its own pace, whether or not they are HTTP."""

import socket
from collections.abc import Sequence
from contextlib import suppress
from threading import Event, Lock, Thread
from typing import Self

_MOST_BYTES = 65536


class RawServer:
    """Sends `pieces` with `pause_s` before each, then closes; with `hold`, it keeps quiet until it is stopped."""

    def __init__(self, *pieces: bytes, pause_s: float = 0.0, hold: bool = False) -> None:
        self._pieces: Sequence[bytes] = pieces
        self._pause_s = pause_s
        self._hold = hold
        self._stopping = Event()
        self._answering: list[Thread] = []
        self._lock = Lock()
        self.heard = b""

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = Thread(target=self._accept, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        # Closing alone leaves the thread in `accept`, and the port open.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        for thread in self._answering:
            thread.join()

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
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
