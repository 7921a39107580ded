"""Threads of which exactly one runs at any moment: whoever holds the baton. So a seed always gives the same story."""

from collections.abc import Callable
from threading import Lock, Thread


class _Runner:
    """A thread that runs one call after another; starting a new one for each would cost more than most calls do."""

    idle: list["_Runner"] = []  # noqa: RUF012  # shared on purpose: the threads outlive a schedule

    def __init__(self) -> None:
        self.go, self.back = Lock(), Lock()
        self.go.acquire()
        self.back.acquire()
        self.baton: Baton | None = None
        Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            self.go.acquire()
            assert self.baton is not None
            self.baton.run()
            self.idle.append(self)
            self.back.release()


class Baton:
    """A call in another thread that runs only while it holds the baton."""

    def __init__(self, call: Callable[[], None]) -> None:
        self._call = call
        self._runner = _Runner.idle.pop() if _Runner.idle else _Runner()
        self._runner.baton = self
        self.over = False

    def hand_over(self) -> None:
        """Let the call run until it pauses or ends."""
        self._runner.go.release()
        self._runner.back.acquire()

    def pause(self) -> None:
        """Called by the call itself: give the baton back, and wait for it."""
        self._runner.back.release()
        self._runner.go.acquire()

    def run(self) -> None:
        """Called by the runner."""
        try:
            self._call()
        finally:
            self.over = True
