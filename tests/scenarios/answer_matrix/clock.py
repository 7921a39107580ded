"""The time of a case: it stands still, until somebody waits for something."""

from collections.abc import Callable
from datetime import datetime, timedelta

from tests.fakes.clock import FakeClock


class CaseClock(FakeClock):
    """Fulfils `clock.Clock`.

    Attributes:
        answered_late: How long the calls so far were kept waiting for their answers, all in all.
        slept: How long SDKs have slept inside calls.
    """

    def __init__(self) -> None:
        super().__init__()
        self.answered_late: Callable[[], timedelta] = timedelta
        self.slept = timedelta(0)

    def __call__(self) -> datetime:
        return self.now + self.answered_late()

    def wait_until(self, due_at: datetime) -> None:
        """Move on to a moment, unless it is past."""
        self.now += max(timedelta(0), due_at - self())

    def sleep(self, seconds: float) -> None:
        """Move on as an SDK would: with its worker."""
        self.forward(seconds)
        self.slept += timedelta(seconds=seconds)

    def settle(self) -> None:
        """Make what was waited for so far part of the past: the next case has other calls."""
        self.now, self.answered_late = self(), timedelta
