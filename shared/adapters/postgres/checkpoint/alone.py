"""One worker at a time takes or ends checkpoints of a database: two would each make anew what the other has just made.

A session's lock, which ends with its connection; another one than that of ways back, which go on beside it.
https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

from psycopg import Connection, Error, errors

from shared.adapters.postgres.server.session import Rows
from shared.errors import TransientError

# "captures" in ASCII.
_LOCK = int.from_bytes(b"captures")
_RETRY = timedelta(seconds=2)


@contextmanager
def alone_at(side: Connection[Rows]) -> Iterator[None]:
    """Keep others out that take or end checkpoints of a side.

    Raises:
        TransientError: another one is at it.
    """
    try:
        side.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
    except (errors.LockNotAvailable, errors.QueryCanceled):
        raise TransientError("another worker takes or ends a checkpoint", retry_after=_RETRY) from None
    try:
        yield
    finally:
        with suppress(Error):  # what is broken holds nothing any more
            side.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])
