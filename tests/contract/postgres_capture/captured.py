"""A table that is captured on a target, its writers, and what its log says then."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from psycopg import Connection

from shared.adapters.postgres.capture.key_log import install_capture, install_schema
from shared.adapters.postgres.capture.reading import read_logs
from shared.adapters.postgres.server.catalogue import read_catalogue
from tests.contract.postgres.pairs import Database

_NOTHING = "1:1:"


class Captured:
    """One side whose tables are captured."""

    def __init__(self, side: Database, keeper: Connection[Any]) -> None:
        self.side = side
        self._keeper = keeper
        install_schema(keeper)
        self.oids = {name.name: one.oid for name, one in read_catalogue(keeper).tables.items()}
        for one in read_catalogue(keeper).tables.values():
            install_capture(keeper, one)

    def altered(self, *statements: str) -> None:
        """Change it as a migration of its owner, or of a superuser, would."""
        with self.side.connect() as superuser:
            for statement in statements:
                superuser.execute(statement.encode())

    def logged(self, table: str) -> set[str]:
        """Return the keys that are known, as text."""
        rows = self._keeper.execute(f"SELECT l::text FROM rollback_controller.log_{self.oids[table]} AS l").fetchall()  # noqa: S608  # ours
        return {row[0].strip("()").rpartition(",")[0] for row in rows}

    def is_whole(self, table: str) -> bool:
        """Whether every key that was written is known."""
        return self.oids[table] not in read_logs(self._keeper, _NOTHING).emptied


@contextmanager
def captured(side: Database, *tables: str, by_superuser: Sequence[str] = ()) -> Iterator[Captured]:
    """Make tables, let the application in, and capture them."""
    with side.connect() as superuser:
        for statement in by_superuser:
            superuser.execute(statement.encode())
    side.run(*tables)
    side.open_to_writers()
    with side.access.connected(statement=timedelta(seconds=10)) as keeper:
        yield Captured(side, keeper)
