"""The keeper of a run's workers: starts them one after the other, and lets the time pass that nobody has a use for.

Workers hand nothing on to each other. What passes for everybody is the keeper's: the time.
"""

import multiprocessing
from collections.abc import Callable, Mapping
from datetime import timedelta
from multiprocessing.connection import Connection
from signal import SIGKILL
from typing import Any

from shared.clock import utc_now
from tests.scenarios.crash_matrix.points import Interruption, Point, Said, Sleep
from tests.scenarios.crash_matrix.worker import IMPORTED_BEFORE, Order, work
from tests.scenarios.crash_matrix.worlds import CrashWorld

_SAYS_SOMETHING_WITHIN_S = 60.0
_ENDS_WITHIN_S = 10.0
_MOST_SLEEPS = 2000
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(list(IMPORTED_BEFORE))


class WorkerFailed(Exception):
    """A worker ended or hangs in a way that nobody asked for."""


class Keeper:
    """Keeps the workers of one run.

    Attributes:
        points: What the workers passed, each once, in order.
    """

    def __init__(self, world: CrashWorld, environment: Mapping[str, str]) -> None:
        self.points: list[Point] = []
        self._world = world
        self._environment = environment
        self._ahead = timedelta(0)
        self._sleeps = 0

    def deliver(
        self, interruption: Interruption | None = None, *, meanwhile: Callable[[], object] | None = None
    ) -> bool:
        """Have a message handled by a new worker. Tells whether it lived to the end of the run.

        Args:
            meanwhile: What others do while it stands still.
        """
        ours, theirs = _processes.Pipe()
        order = Order(
            environment=self._environment,
            policy=self._world.policy,
            ahead=self._ahead,
            interruption=interruption,
            forward=self._world.forward,
            level=self._world.level,
            then=self._world.then,
        )
        process = _processes.Process(target=work, args=(order, theirs), daemon=True)
        process.start()
        theirs.close()
        try:
            self._listen(ours, meanwhile)
        finally:
            ours.close()
            process.join(_ENDS_WITHIN_S)
            process.kill()  # nothing to one that has ended
            process.join()
        if process.exitcode not in (0, -SIGKILL):
            raise WorkerFailed(f"a worker ended with exit code {process.exitcode}")
        return process.exitcode == 0

    def _listen(self, line: "Connection[Any, Any]", meanwhile: Callable[[], object] | None) -> None:
        while said := self._heard(line):
            if isinstance(said, Point):
                self.points += [said] if said not in self.points else []
                continue
            if isinstance(said, Sleep):
                self._pass_until(said)
            elif meanwhile:
                meanwhile()
            line.send(self._ahead)

    def _heard(self, line: "Connection[Any, Any]") -> Said | None:
        if not line.poll(_SAYS_SOMETHING_WITHIN_S):
            raise WorkerFailed("a worker hangs")
        try:
            said: Said = line.recv()
        except EOFError:
            return None
        return said

    def _pass_until(self, sleep: Sleep) -> None:
        self._sleeps += 1
        if self._sleeps > _MOST_SLEEPS:
            raise WorkerFailed("the run never ends")
        now = utc_now() + self._ahead
        self._world.age(now)
        self._ahead += max(sleep.until - now, timedelta(0))
        self._world.age(utc_now() + self._ahead)
