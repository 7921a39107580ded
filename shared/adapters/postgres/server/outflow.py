"""Reads what a COPY sends, many rows at a time: the bytes as they are.

The driver waits for each row by itself, which costs as much as the server takes to make one. Here one wait is for as
many rows as fill a piece, or for one that is larger than that.
"""

from collections.abc import Iterator

from psycopg import Copy
from psycopg.abc import PQGen
from psycopg.generators import copy_from  # what `Copy.read` is made of
from psycopg.pq.abc import PGconn

_PIECE_BYTES = 64 * 1024


def pieces(copy: Copy) -> Iterator[bytes]:
    """Yield what a `COPY ... TO STDOUT` sends, in pieces of whole rows, until its end.

    Raises:
        psycopg.Error: it ended otherwise, or the server does not go on.
    """
    ended = False
    while not ended:
        some, ended = copy.connection.wait(_some(copy.connection.pgconn))
        if some:
            yield b"".join(some)


def _some(connection: PGconn) -> PQGen[tuple[list[memoryview], bool]]:
    """Return the next rows, and whether these are the last."""
    some: list[memoryview] = []
    room = _PIECE_BYTES
    while room > 0:
        row = yield from copy_from(connection)
        if not isinstance(row, memoryview):
            return some, True
        some.append(row)
        room -= len(row)
    return some, False
