"""The way of one worker along its points, on which it is interrupted at most once, by a clock that runs ahead.

Nobody sleeps: a worker with nothing to do asks its keeper, who lets its clock, and the world's, run ahead instead.
"""

import os
from datetime import datetime, timedelta
from multiprocessing.connection import Connection
from signal import SIGKILL

from shared.clock import utc_now
from tests.scenarios.crash_matrix.points import Deed, Interruption, Point, Sleep, StandStill


class Way:
    """A worker's own view of it.

    Attributes:
        ahead: By how much the clock is ahead of the real time.
    """

    def __init__(self, line: Connection, ahead: timedelta, interruption: Interruption | None) -> None:
        self.ahead = ahead
        self._line = line
        self._interruption = interruption

    def clock(self) -> datetime:
        return utc_now() + self.ahead

    def sleep(self, until: datetime) -> None:
        self._ask(Sleep(until))

    def passes(self, step: str, where: str) -> None:
        """Say where it is, so that this is known of it even if it goes no further."""
        point = Point(step, where)
        self._line.send(point)
        if self._interruption is None or not self._interruption.strikes(point):
            return
        if self._interruption.deed is Deed.KILLED:
            os.kill(os.getpid(), SIGKILL)
        self._interruption = None
        self._ask(StandStill())

    def _ask(self, said: Sleep | StandStill) -> None:
        self._line.send(said)
        self.ahead = self._line.recv()
