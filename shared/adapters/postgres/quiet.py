"""Applies rows as they are: what the source does by itself on a write (triggers, foreign keys) is set aside meanwhile.

A trigger that stamps `updated_at` would write the time of the rollback over the data. In the replica role of a session
nothing of it fires; foreign keys are then checked afterwards, all of them. Without the right to that role, the owner
disables its own triggers for the transaction; foreign keys stay, and rows go in their order.
https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-SESSION-REPLICATION-ROLE
"""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import Connection
from psycopg.sql import SQL, Identifier

from shared.adapters.postgres.session import Rows
from shared.adapters.postgres.sql import table
from shared.model.sync import SyncTable

# A staging table has no statistics: left alone, the planner reads all of a large table to find a chunk of it.
_BY_INDEX = "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL enable_seqscan = off"
_ENABLE = {"O": SQL("ENABLE TRIGGER"), "A": SQL("ENABLE ALWAYS TRIGGER"), "R": SQL("ENABLE REPLICA TRIGGER")}


@contextmanager
def quieted(source: Connection[Rows], of: SyncTable, *, replica_role: bool) -> Iterator[None]:
    """Set triggers of a table aside within the running transaction.

    Args:
        replica_role: We may take the replica role.
    """
    source.execute(_BY_INDEX)
    alter = SQL("ALTER TABLE {} {} {}")
    firing = [(name, fires) for name, fires in of.triggers if not replica_role or fires != "O"]
    for name, _ in firing:
        source.execute(alter.format(table(of.name), SQL("DISABLE TRIGGER"), Identifier(name)))
    if replica_role:
        source.execute("SET LOCAL session_replication_role = replica")
    yield
    if replica_role:
        source.execute("SET LOCAL session_replication_role = origin")
    for name, fires in firing:
        source.execute(alter.format(table(of.name), _ENABLE[fires], Identifier(name)))
