"""Two real servers, of an old and a new major version, for all tests of a process."""

from collections.abc import Iterator

import psycopg
import pytest

from local.postgres import NEW, OLD, Cluster
from tests.contract.postgres.pairs import ROLES, Servers

_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "logical",
    "max_prepared_transactions": "2",
}


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    with Cluster(OLD, _SETTINGS) as old, Cluster(NEW, _SETTINGS) as new:
        for cluster in (old, new):
            with psycopg.connect(cluster.dsn(), autocommit=True) as connection:
                connection.execute(ROLES)
        yield Servers({OLD: old, NEW: new})
