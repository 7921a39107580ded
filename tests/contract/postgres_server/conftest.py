"""The same two servers as those of the way back itself, and a pair of databases on them for each test."""

from collections.abc import Iterator

import pytest

from local.postgres import NEW, OLD
from tests.contract.postgres.conftest import servers
from tests.contract.postgres.pairs import Pair, Servers

__all__ = ["servers"]


@pytest.fixture
def pair(servers: Servers) -> Iterator[Pair]:
    with servers.pair(OLD, NEW) as made:
        yield made
