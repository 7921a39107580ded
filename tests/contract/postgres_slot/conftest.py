"""Two real servers whose owners of databases may replicate."""

from collections.abc import Iterator
from typing import LiteralString
from zlib import crc32

import psycopg
import pytest

from local.postgres import NEW, OLD
from tests.contract.postgres.pairs import Database, Servers, clusters
from tests.contract.postgres_ports.moved import empty

_SETTINGS = {"fsync": "off", "full_page_writes": "off", "wal_level": "logical", "max_replication_slots": "4"}


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    with clusters(_SETTINGS, "ALTER ROLE keeper REPLICATION; ALTER ROLE orderly REPLICATION") as started:
        yield Servers(started)


@pytest.fixture(scope="session")
def databases(servers: Servers) -> Iterator[dict[str, Database]]:
    found = {version: Database("target", cluster, "slotted", "keeper") for version, cluster in servers.clusters.items()}
    for one in found.values():
        _run(one, "CREATE DATABASE slotted TEMPLATE template0 OWNER keeper")
    yield found
    for one in found.values():
        empty(one)
        _run(one, "DROP DATABASE slotted WITH (FORCE)")


def _run(one: Database, statement: LiteralString) -> None:
    with psycopg.connect(one.cluster.dsn(), autocommit=True) as server:
        server.execute(statement)


@pytest.fixture
def target(databases: dict[str, Database], request: pytest.FixtureRequest) -> Database:
    """An empty database: on the server of the version that a test asks for, else on one of them, by its name."""
    either = (OLD, NEW)[crc32(request.node.name.encode()) % 2]
    one = databases[getattr(request, "param", either)]
    empty(one)
    return one
