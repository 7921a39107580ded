"""Lets calls of one kind through as fast as the other side allows, and no faster: some at once, some in a while.

What it knows is this process's alone, so that a limit that the service keeps for all may still be met: it then says so
by a 429. Losing what it knows costs a 429 at most.
"""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Condition
from time import monotonic

from shared.errors import TransientError
from shared.model.quantity import say_duration


class Turnstile:
    """For calls that share a limit. Who waits too long is turned away; who has no turn must not call."""

    def __init__(
        self, what: str, *, at_once: int, most: int, within: timedelta, clock: Callable[[], float] = monotonic
    ) -> None:
        """`at_once` calls run at a time, and `most` begin in any interval `within`."""
        self._what = what
        self._at_once = at_once
        self._within = within
        self._begun: deque[float] = deque(maxlen=most)
        self._inside = 0
        self._changed = Condition()
        self._clock = clock

    @contextmanager
    def turn(self, patience: timedelta) -> Iterator[timedelta]:
        """Wait for a turn; yield how much of the patience is left.

        Raises:
            TransientError: there was none in time.
        """
        until = self._clock() + patience.total_seconds()
        self._enter(until, patience)
        try:
            yield timedelta(seconds=max(0.0, until - self._clock()))
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify()

    def _enter(self, until: float, patience: timedelta) -> None:
        with self._changed:
            while (pause := self._pause()) is None or pause > 0:
                left = until - self._clock()
                if left <= 0 or (pause is not None and pause > left):
                    raise TransientError(f"{self._what}: no turn within {say_duration(patience)}")
                self._changed.wait(left if pause is None else pause)
            self._inside += 1
            self._begun.append(self._clock())

    def _pause(self) -> float | None:
        """Return how long it is until the next turn; `None` until somebody leaves."""
        if self._inside >= self._at_once:
            return None
        if len(self._begun) < (self._begun.maxlen or 0):
            return 0.0
        return max(0.0, self._begun[0] + self._within.total_seconds() - self._clock())
