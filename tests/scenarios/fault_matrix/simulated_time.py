"""The simulator of Azure with a clock that a test drives, in a thread of this process: minutes pass at once.

Its routes, its faults and its answers are as ever, over real HTTP. Only what it calls now is the test's: when a request
was served, since when an answer is stale, what is too young to be told.
"""

import asyncio
import os
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from threading import Thread
from types import ModuleType
from typing import Any
from unittest.mock import patch

from local.azure_simulator import config as simulated
from local.azure_simulator import faults, throttle
from local.azure_simulator.costs import routes as costs
from local.azure_simulator.front_door import proxy
from local.azure_simulator.launch import RunningSimulator
from local.azure_simulator.monitor import logs, metrics
from local.azure_simulator.resource_health import routes as resource_health
from local.azure_simulator.server import running_simulator
from shared.adapters.azure_clients import credential
from shared.clock import Clock

_TELL_THE_TIME: tuple[ModuleType, ...] = (faults, throttle, costs, proxy, metrics, logs, resource_health)


class SimulatedTime:
    """Stands in a module for the module `time`: it is some other time, and passes as ever."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def time(self) -> float:
        return self._clock().timestamp()

    def monotonic(self) -> float:
        return self.time()

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)


@contextmanager
def simulator_at(clock: Clock, config: simulated.SimulatorConfig) -> Iterator[RunningSimulator]:
    """Run the simulator at the clock's time, and let the SDKs find its identity endpoint."""
    with ExitStack() as stack:
        for module in _TELL_THE_TIME:
            stack.enter_context(patch.object(module, "time", SimulatedTime(clock)))
        running = stack.enter_context(_served(config))
        stack.enter_context(patch.dict(os.environ, running.identity_environment))
        credential.cache_clear()  # it keeps tokens, which only the simulator that gave them knows
        stack.callback(credential.cache_clear)
        yield running


@contextmanager
def _served(config: simulated.SimulatorConfig) -> Iterator[RunningSimulator]:
    ready: Future[dict[str, Any]] = Future()
    done = asyncio.Event()
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_until_complete, args=(_serve(config, ready, done),))
    thread.start()
    try:
        yield _running(ready.result())
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join()
        loop.close()


async def _serve(config: simulated.SimulatorConfig, ready: Future[dict[str, Any]], done: asyncio.Event) -> None:
    try:
        async with running_simulator(config, 0, 0) as said:
            ready.set_result(said)
            await done.wait()
    except BaseException as error:
        if not ready.done():
            ready.set_exception(error)
        raise


def _running(said: dict[str, Any]) -> RunningSimulator:
    return RunningSimulator(
        url=said["simulator"],
        front_doors=said["front_doors"],
        control_url=said["control"],
        identity_endpoint=said["identity"]["endpoint"],
        identity_header=said["identity"]["header"],
        pid=os.getpid(),
    )
