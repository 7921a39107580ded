"""The same two servers as those of the way back itself, a moved database on them, and the command for it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.contract.postgres.conftest import servers
from tests.contract.postgres.pairs import Servers
from tests.contract.postgres_command.commands import Shop
from tests.contract.postgres_ports.moved import moved

__all__ = ["servers"]


@pytest.fixture
def shop(servers: Servers, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Shop]:  # a fixture by name
    with ThreadPoolExecutor(1) as pool, moved(servers, pool) as it:
        yield Shop(it, tmp_path / "policy.yaml", capsys)
