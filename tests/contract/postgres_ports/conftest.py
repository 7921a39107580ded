"""The same two servers as those of the way back itself, and the ports over a pair of databases of theirs."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.contract.postgres.conftest import servers
from tests.contract.postgres.pairs import Servers
from tests.contract.postgres_ports.moved import Moved, made_anew, moved

__all__ = ["servers"]


@pytest.fixture(scope="session")
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as threads:
        yield threads


@pytest.fixture(scope="session")
def pairs(servers: Servers, pool: ThreadPoolExecutor) -> Iterator[tuple[Moved, Moved]]:  # a fixture by its name
    with moved(servers, pool) as one, moved(servers, pool) as other:
        yield one, other


@pytest.fixture(scope="module")
def lasting(pairs: tuple[Moved, Moved]) -> Moved:
    """One for all tests of a module that leave it as good as they found it."""
    return made_anew(pairs[0])


@pytest.fixture
def shop(pairs: tuple[Moved, Moved]) -> Moved:
    return made_anew(pairs[1])
