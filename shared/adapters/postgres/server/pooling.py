"""Whether something between us and a server gives its sessions away after each transaction.

Settings, temporary tables and locks of a session would then be lost, or somebody else's. Whoever sits between tells a
process number of its own making; whether it keeps a session for us shows while another one holds what was ours.
https://www.pgbouncer.org/features.html
"""

from datetime import timedelta
from typing import Any

from psycopg import Connection

from shared.adapters.postgres.server.session import Access, Rows

_WITHIN = timedelta(seconds=10)


def gives_sessions_away(access: Access, side: Connection[Rows]) -> bool:
    """Whether the session of an open connection is another one after each transaction, as far as it can be told."""
    mine = _process(side)
    if side.info.backend_pid == mine:
        return False
    with access.connected(statement=_WITHIN) as other, other.transaction():
        return _process(other) == mine or _process(side) != mine


def _process(side: Connection[Rows]) -> int:
    row: Any = side.execute("SELECT pg_backend_pid()").fetchone()
    return int(row[0])
