"""A pooler in transaction mode, as small as one can be: sessions of a server that are handed out by transaction.

It speaks the protocol's messages as far as to know where a transaction ends.
https://www.postgresql.org/docs/current/protocol-message-formats.html
"""

import os
import socket
import struct
from contextlib import suppress
from threading import Lock, Thread

import psycopg

from tests.contract.listener import Listener

_Session = tuple[psycopg.Connection, socket.socket]
_TO_ANSWER = b"QS"  # after Query and Sync the server says that it is ready
_HELLO = {"server_version": "17.0", "client_encoding": "UTF8", "standard_conforming_strings": "on"}


class Pooler(Listener):
    """Use it in a `with` statement.

    Args:
        keeps: A client keeps its session until it goes, as in session mode.
    """

    def __init__(self, conninfo: str, *, keeps: bool) -> None:
        self._conninfo, self._keeps = conninfo, keeps
        self._free: list[_Session] = []
        self._lock = Lock()

    def take(self, peer: socket.socket) -> None:
        Thread(target=self._serve, args=(peer,), daemon=True).start()

    def stop(self) -> None:
        super().stop()
        for connection, server in self._free:
            server.close()
            connection.close()

    def _serve(self, client: socket.socket) -> None:
        session: _Session | None = None
        with suppress(OSError):
            _greet(client)
            while message := _message(client):
                session = session or self._borrow()
                session[1].sendall(message)
                if message[:1] in _TO_ANSWER and _answered(session[1], client) and not self._keeps:
                    self._give_back(session)
                    session = None
        client.close()
        if session is not None:
            session[1].close()
            session[0].close()

    def _borrow(self) -> _Session:
        """The last one that was given back is the first that is taken."""
        with self._lock:
            if self._free:
                return self._free.pop()
        connection = psycopg.connect(self._conninfo, autocommit=True)
        server = socket.socket(fileno=os.dup(connection.fileno()))
        server.setblocking(True)
        return connection, server

    def _give_back(self, session: _Session) -> None:
        with self._lock:
            self._free.append(session)


def _greet(client: socket.socket) -> None:
    """Take whoever comes, by a process number of our own making."""
    while struct.unpack("!i", _exactly(client, _length(client))[:4])[0] != 3 << 16:
        client.sendall(b"N")  # no TLS here
    said = b"".join(_framed(b"S", f"{name}\0{value}\0".encode()) for name, value in _HELLO.items())
    client.sendall(_framed(b"R", struct.pack("!i", 0)) + said + _framed(b"K", struct.pack("!ii", 1, 2)))
    client.sendall(_framed(b"Z", b"I"))


def _answered(server: socket.socket, client: socket.socket) -> bool:
    """Pass the answer on; return whether its transaction has ended."""
    while message := _message(server):
        client.sendall(message)
        if message[:1] == b"Z":
            return message[-1:] == b"I"
    return True


def _message(of: socket.socket) -> bytes:
    kind = of.recv(1)
    if not kind:
        return b""
    length = _length(of)
    return kind + struct.pack("!i", length + 4) + _exactly(of, length)


def _length(of: socket.socket) -> int:
    return int(struct.unpack("!i", _exactly(of, 4))[0]) - 4


def _exactly(of: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        part = of.recv(size - len(found))
        if not part:
            raise ConnectionError
        found += part
    return found


def _framed(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("!i", len(content) + 4) + content
