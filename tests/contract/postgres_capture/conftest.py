"""The servers and the moved database of the ports, and one database more on each server, which tests empty."""

from collections.abc import Iterator

import pytest

from local.postgres import NEW, OLD
from tests.contract.postgres.pairs import Database, Servers
from tests.contract.postgres_ports.conftest import lasting, pairs, pool, servers, shop
from tests.contract.postgres_ports.moved import empty

__all__ = ["lasting", "pairs", "pool", "servers", "shop"]


@pytest.fixture(scope="session")
def databases(servers: Servers) -> Iterator[dict[str, Database]]:  # a fixture by its name
    with servers.pair(OLD, NEW) as pair:
        yield {OLD: pair.source, NEW: pair.target}


@pytest.fixture(params=[OLD, NEW])
def side(databases: dict[str, Database], request: pytest.FixtureRequest) -> Database:
    one = databases[request.param]
    empty(one)
    return one
