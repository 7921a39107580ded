"""A source and a target database of one test, with the roles that a real one has: none of them a superuser."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import LiteralString

import psycopg
from psycopg import Connection
from psycopg.sql import SQL, Identifier

from local.postgres import FAST, NEW, OLD, Cluster
from shared.adapters.postgres.server.session import Access

PASSWORD = "made-up"
# `keeper` owns and goes back; `orderly` does, too, and may not set foreign keys aside; `blind` may
# not see what policies hide; `app` writes.
ROLES = f"""
CREATE ROLE keeper LOGIN PASSWORD '{PASSWORD}' BYPASSRLS; GRANT SET ON PARAMETER session_replication_role TO keeper;
CREATE ROLE blind LOGIN PASSWORD '{PASSWORD}';
CREATE ROLE orderly LOGIN PASSWORD '{PASSWORD}' BYPASSRLS; CREATE ROLE app LOGIN PASSWORD '{PASSWORD}' BYPASSRLS;
"""
_OPEN = """
GRANT ALL ON ALL TABLES IN SCHEMA {schemas} TO app; GRANT ALL ON ALL SEQUENCES IN SCHEMA {schemas} TO app;
GRANT USAGE ON SCHEMA {schemas} TO app
"""
_numbers = count(1)


@contextmanager
def clusters(settings: Mapping[str, str] = FAST, *also: LiteralString) -> Iterator[dict[str, Cluster]]:
    """Start a server of an old and of a new major version with the roles, and run statements as their superuser."""
    with Cluster(OLD, settings) as old, Cluster(NEW, settings) as new:
        for cluster in (old, new):
            with psycopg.connect(cluster.dsn(), autocommit=True) as connection:
                for statement in (ROLES, *also):
                    connection.execute(statement)
        yield {OLD: old, NEW: new}


@dataclass(frozen=True, slots=True)
class Database:
    """One side."""

    called: str
    cluster: Cluster
    name: str
    owner: str

    def connect(self, role: str = "") -> Connection:
        """Connect as a role; without one, as a superuser, who sees all and is no part of the product."""
        dsn = self.cluster.dsn(self.name, role, PASSWORD) if role else self.cluster.dsn(self.name)
        return psycopg.connect(dsn, autocommit=True)

    @property
    def access(self) -> Access:
        return Access(self.called, self.cluster.dsn(self.name, self.owner, PASSWORD), verified=False)

    def run(self, *statements: str) -> None:
        """Run statements as the owner."""
        with self.connect(self.owner) as connection:
            for statement in statements:
                connection.execute(statement)

    def open_to_writers(self) -> None:
        """Let the application in."""
        with self.connect() as connection:
            found = connection.execute(
                "SELECT string_agg(quote_ident(nspname), ', ') FROM pg_namespace"
                " WHERE nspname !~ '^pg_|^information_schema$|^rollback_'"
            ).fetchone()
            assert found is not None
            connection.execute(_OPEN.format(schemas=found[0]))


@dataclass(frozen=True, slots=True)
class Pair:
    """Both sides."""

    source: Database
    target: Database

    def run(self, *statements: str) -> None:
        self.source.run(*statements)
        self.target.run(*statements)

    def open_to_writers(self) -> None:
        self.source.open_to_writers()
        self.target.open_to_writers()


@dataclass(frozen=True, slots=True)
class Servers:
    """Clusters by their major version."""

    clusters: Mapping[str, Cluster]

    @contextmanager
    def pair(self, source: str, target: str, owner: str = "keeper") -> Iterator[Pair]:
        """Create both databases, and drop them."""
        number = next(_numbers)
        sides = [
            Database(called, self.clusters[version], f"{called}_{number}", owner)
            for called, version in (("source", source), ("target", target))
        ]
        for side in sides:
            self._run(side, "CREATE DATABASE {} TEMPLATE template0 OWNER {} STRATEGY file_copy")
        try:
            yield Pair(*sides)
        finally:
            for side in sides:
                self._run(side, "DROP DATABASE {} WITH (FORCE)")

    def _run(self, side: Database, statement: str) -> None:
        with psycopg.connect(side.cluster.dsn(), autocommit=True) as connection:
            connection.execute(SQL(statement).format(Identifier(side.name), Identifier(side.owner)))
