"""A database of one test on each of two real servers, an old and a new major version."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.postgres import NEW, OLD
from tests.contract.postgres.pairs import Database, Servers, clusters
from tests.contract.postgres_migration.place import Place


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    with clusters() as started:
        yield Servers(started)


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
