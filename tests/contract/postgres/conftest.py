"""Two real servers, of an old and a new major version, for all tests of a process."""

from collections.abc import Iterator

import pytest

from tests.contract.postgres.pairs import Servers, clusters

_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "logical",
    "max_prepared_transactions": "2",
}


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    with clusters(_SETTINGS) as started:
        yield Servers(started)
