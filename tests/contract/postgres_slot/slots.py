"""A target of one test whose tables are captured by a slot."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from psycopg import Connection

from shared.adapters.postgres.capture.records import prepare_target
from shared.adapters.postgres.capture.snapshot import take_checkpoint
from shared.adapters.postgres.server.catalogue import read_catalogue
from shared.adapters.postgres.slot.drain import Drained, drain_all, end_of_log
from shared.adapters.postgres.slot.look import slot_captured
from shared.adapters.postgres.slot.publishing import drop_slot, install_slot, slot_name
from shared.model.tables import Table, TableName
from tests.contract.postgres.pairs import Database


@dataclass(slots=True)
class Slotted:
    """The keeper's connection to it.

    Attributes:
        left_out: The tables that the slot cannot carry, and why.
    """

    database: Database
    connection: Connection[Any]
    name: str
    snapshot: str = ""
    left_out: dict[TableName, str] = field(default_factory=dict)

    def install(self, *seen: str) -> list[dict[Any, Any]]:
        """Install the slot, or look that it is, and take a checkpoint.

        Args:
            seen: Queries of two columns; returns what the checkpoint saw.
        """
        self.left_out = install_slot(self.connection, list(self.tables.values()), self.name)
        with self.connection.transaction():
            self.connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            self.snapshot = take_checkpoint(self.connection, f"change {self.snapshot}", {}).snapshot
            return [dict(self.connection.execute(query).fetchall()) for query in seen]

    @property
    def tables(self) -> dict[str, Table]:
        return {str(name): table for name, table in read_catalogue(self.connection).tables.items()}

    def drain(self) -> Drained:
        """Store everything up to now."""
        return drain_all(self.connection, self.name, end_of_log(self.connection))

    def keys(self, name: str) -> set[tuple[str, ...]]:
        """Return the logged keys of a table that the checkpoint did not see, as text."""
        table = self.tables[name]
        keys = ", ".join('"' + one.replace('"', '""') + '"::text' for one in table.key)
        found = self.connection.execute(
            f"SELECT {keys} FROM rollback_controller.log_{table.oid}"  # noqa: S608  # names of this test
            " WHERE NOT pg_visible_in_snapshot(rollback_xid, %s::pg_snapshot)",
            [self.snapshot],
        )
        return set(found.fetchall())

    def is_emptied(self, name: str) -> bool:
        found = self.connection.execute(
            "SELECT FROM rollback_controller.emptied WHERE oid = %s"
            " AND NOT pg_visible_in_snapshot(rollback_xid, %s::pg_snapshot)",
            [self.tables[name].oid, self.snapshot],
        )
        return found.fetchone() is not None

    def is_whole(self, name: str) -> bool:
        return slot_captured(self.connection, self.name, self.snapshot).get(self.tables[name].oid, False)


@contextmanager
def slotted(database: Database, *, install: bool = True) -> Iterator[Slotted]:
    """Capture a database by a slot, and drop that again."""
    with database.access.connected(statement=timedelta(seconds=20)) as connection:
        prepare_target(connection)
        one = Slotted(database, connection, slot_name(connection))
        if install:
            one.install()
        try:
            yield one
        finally:
            drop_slot(connection, one.name)
