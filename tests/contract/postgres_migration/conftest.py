"""A database of one test on each of two real servers, an old and a new major version."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from local.postgres import NEW, OLD, Cluster
from tests.contract.postgres.pairs import ROLES, Database, Servers
from tests.contract.postgres_migration.place import Place


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    with Cluster(OLD) as old, Cluster(NEW) as new:
        for cluster in (old, new):
            with psycopg.connect(cluster.dsn(), autocommit=True) as connection:
                connection.execute(ROLES)
        yield Servers({OLD: old, NEW: new})


@pytest.fixture(scope="session")
def databases(servers: Servers) -> Iterator[dict[str, Database]]:
    """One database on each, which every test finds empty."""
    with servers.pair(OLD, NEW) as pair:
        yield {OLD: pair.source, NEW: pair.target}


@pytest.fixture
def place(databases: dict[str, Database], tmp_path: Path) -> Place:
    """A database of the new version, and a folder of scripts."""
    return Place.on(databases[NEW], tmp_path)


@pytest.fixture(params=[OLD, NEW])
def either(request: pytest.FixtureRequest, databases: dict[str, Database], tmp_path: Path) -> Place:
    """A database of each version, and a folder of scripts."""
    return Place.on(databases[request.param], tmp_path)
