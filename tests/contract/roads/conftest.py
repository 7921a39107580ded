"""The world of a road: once for all tests of a module, which names it in its fixture `launch`."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

from shared.adapters.azure_clients import credential
from tests.contract.roads.world import RoadWorld

type Launch = Callable[[], AbstractContextManager[RoadWorld]]


@pytest.fixture(scope="module")
def running(launch: Launch) -> Iterator[RoadWorld]:
    credential.cache_clear()  # it keeps tokens, which only the simulator that gave them knows
    with launch() as world, pytest.MonkeyPatch.context() as environment:
        for name, value in world.environment.items():
            environment.setenv(name, value)
        yield world
    credential.cache_clear()


@pytest.fixture
def world(running: RoadWorld) -> RoadWorld:
    """The world as it was launched, except that people were steered to the bad side."""
    running.reset()
    running.steer_away()
    return running
