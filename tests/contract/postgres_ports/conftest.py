"""The same two servers as those of the way back itself, and the ports over a pair of databases of theirs."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.contract.postgres.conftest import servers
from tests.contract.postgres.pairs import Servers
from tests.contract.postgres_ports.moved import Moved, moved

__all__ = ["servers"]


@pytest.fixture(scope="session")
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as threads:
        yield threads


@pytest.fixture(scope="module")
def lasting(servers: Servers, pool: ThreadPoolExecutor) -> Iterator[Moved]:  # a fixture by its name
    """One for all tests of a module that leave it as good as they found it."""
    with moved(servers, pool) as it:
        yield it


@pytest.fixture
def shop(servers: Servers, pool: ThreadPoolExecutor) -> Iterator[Moved]:  # a fixture by its name
    with moved(servers, pool) as it:
        yield it
