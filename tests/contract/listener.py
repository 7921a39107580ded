"""Listens on a TCP port of this machine and hands every connection to whoever is built on it."""

import socket
from contextlib import suppress
from threading import Thread
from typing import Self


class Listener:
    """Listens while it is entered; use it in a `with` statement."""

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

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        """Refuse new connections."""
        # Closing alone leaves the thread in `accept`, and the port open.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def take(self, peer: socket.socket) -> None:
        """Take a connection without waiting for its end."""
        raise NotImplementedError

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            self.take(peer)
