"""Two real servers whose owners of databases may replicate."""

from collections.abc import Iterator
from itertools import count

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from local.postgres import NEW, OLD, Cluster
from tests.contract.postgres.pairs import ROLES, Database, Servers

_SETTINGS = {"fsync": "off", "full_page_writes": "off", "wal_level": "logical", "max_replication_slots": "4"}
_numbers = count(1)


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    with Cluster(OLD, _SETTINGS) as old, Cluster(NEW, _SETTINGS) as new:
        for cluster in (old, new):
            with psycopg.connect(cluster.dsn(), autocommit=True) as connection:
                connection.execute(ROLES)
                connection.execute("ALTER ROLE keeper REPLICATION; ALTER ROLE orderly REPLICATION")
        yield Servers({OLD: old, NEW: new})


@pytest.fixture(params=[OLD, NEW])
def target(servers: Servers, request: pytest.FixtureRequest) -> Iterator[Database]:
    """An empty database on each of the servers."""
    one = Database("target", servers.clusters[request.param], f"slotted_{next(_numbers)}", "keeper")
    name = Identifier(one.name)
    with psycopg.connect(one.cluster.dsn(), autocommit=True) as server:
        server.execute(SQL("CREATE DATABASE {} TEMPLATE template0 OWNER keeper STRATEGY wal_log").format(name))
        yield one
        server.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(name))
