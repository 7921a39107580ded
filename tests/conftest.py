"""Fixtures every kind of test may use: one Azurite per pytest process, and hypothesis' profiles."""

import gc
import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from local.azurite import Azurite

settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")


def pytest_collection_finish() -> None:
    """Thousands of collected tests stay to the end: nobody needs to look through them for garbage again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def storage() -> Iterator[str]:
    """Connection string of an empty storage account; pytest-xdist workers get one each."""
    with Azurite() as azurite:
        yield azurite.connection_string
