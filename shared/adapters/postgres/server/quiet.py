"""Applies rows as they are: what the source does by itself on a write (triggers, foreign keys) is set aside meanwhile.

A trigger that stamps `updated_at` would write the time of the rollback over the data. In the replica role of a session
nothing of it fires; foreign keys are then checked afterwards, all of them. Without the right to that role, the owner
disables its own triggers for the transaction; foreign keys stay, and rows go in their order.
https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-SESSION-REPLICATION-ROLE
"""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import Connection
from psycopg.sql import SQL, Composable, Identifier

from shared.adapters.postgres.server.session import Rows, at_once
from shared.adapters.postgres.server.sql import table
from shared.model.sync import SyncTable

# A staging table has no statistics: left alone, the planner reads all of a large table to find a chunk of it.
_BY_INDEX = (
    SQL("SET LOCAL enable_hashjoin = off"),
    SQL("SET LOCAL enable_mergejoin = off"),
    SQL("SET LOCAL enable_seqscan = off"),
)
_ENABLE = {"O": SQL("ENABLE TRIGGER"), "A": SQL("ENABLE ALWAYS TRIGGER"), "R": SQL("ENABLE REPLICA TRIGGER")}


@contextmanager
def quieted(source: Connection[Rows], of: SyncTable, *, replica_role: bool) -> Iterator[None]:
    """Set triggers of a table aside within the running transaction.

    Args:
        replica_role: We may take the replica role.
    """
    at_once(source, quieting(of, replica_role=replica_role))
    yield
    roused = rousing(of, replica_role=replica_role)
    if roused:
        at_once(source, roused)


def quieting(of: SyncTable, *, replica_role: bool) -> list[Composable]:
    """Return the statements that set triggers of a table aside."""
    alter = SQL("ALTER TABLE {} DISABLE TRIGGER {}")
    disabling = [alter.format(table(of.name), Identifier(name)) for name, _ in _firing(of, replica_role=replica_role)]
    role = [SQL("SET LOCAL session_replication_role = replica")] if replica_role else []
    return [*_BY_INDEX, *disabling, *role]


def rousing(of: SyncTable, *, replica_role: bool) -> list[Composable]:
    """Return the statements that let them fire as before."""
    alter = SQL("ALTER TABLE {} {} {}")
    enabling = [
        alter.format(table(of.name), _ENABLE[fires], Identifier(name))
        for name, fires in _firing(of, replica_role=replica_role)
    ]
    role = [SQL("SET LOCAL session_replication_role = origin")] if replica_role else []
    return [*role, *enabling]


def _firing(of: SyncTable, *, replica_role: bool) -> list[tuple[str, str]]:
    return [(name, fires) for name, fires in of.triggers if not replica_role or fires != "O"]
