"""Calls to sources: how many at once of each, and none to one that is sick.

What is known of the sources is this process's own and in memory alone. Losing it is harmless: a source that hangs costs
its time-out once more, and what is true of the workload stands in the table.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic

from shared.decision.breaker import CLOSED, Breaker, Ended, admitted, after, ended_by, untried
from shared.errors import ControllerError, TransientError
from shared.model.quantity import say_span
from shared.ports import Collected, Job

# Calls to one place at once, so that one of many that is slow does not take the threads of all others.
_AT_ONCE = 8
# Sources end by themselves at their time-out; this much later they are given up.
GRACE = timedelta(seconds=1)

Place = tuple[str, str]


def place_of(job: Job) -> Place:
    """Return whom a job asks: what signals share if they say so, else the workload's own."""
    first = job.wants[0]
    return first.signal.question, first.signal.place or first.policy.workload


class SourceOpen(TransientError):
    """Nothing was asked: the source was sick a moment ago."""


@dataclass(slots=True)
class Call:
    """One job, from when it was wanted until it ended or was given up."""

    job: Job
    place: Place
    future: Future[list[Collected]] = field(default_factory=Future)
    given_up: bool = False


class SourceCalls:
    """Makes the calls. Only single steps on its dictionaries are taken from several threads: each is atomic.

    Two cycles that end a call to one place in the same instant may lose a failure of the two, never a call.
    """

    def __init__(self, pool: Executor, clock: Callable[[], float] = monotonic) -> None:
        self._pool = pool
        self._clock = clock
        self._breakers: dict[Place, Breaker] = {}
        self.made: defaultdict[Place, int] = defaultdict(int)

    def begin(self, jobs: Sequence[Job], now: datetime) -> list[Call]:
        """Set the jobs in motion; those that must not be asked end at once, with the reason."""
        calls = [Call(job, place_of(job)) for job in jobs]
        waiting: defaultdict[Place, deque[Call]] = defaultdict(deque)
        for call in calls:
            if (why := self._why_not(call.place)) is not None:
                call.future.set_exception(SourceOpen(why))
            else:
                waiting[call.place].append(call)
        for lane in waiting.values():
            for _ in range(min(_AT_ONCE, len(lane))):
                self._pool.submit(self._work, lane, now)
        return calls

    def give_up(self, call: Call) -> str:
        """Leave a call that did not end in time; returns why there is no answer."""
        if call.future.cancel():
            self._breakers[call.place] = untried(self.state(call.place))
            return f"the source was not asked within {say_span(call.job.timeout)}: too much was asked before"
        why = f"the source did not answer within {say_span(call.job.timeout)}"
        if not call.given_up:
            call.given_up = True
            self._note(call.place, Ended.HUNG, why=why)
        return why

    def state(self, place: Place) -> Breaker:
        """Return what is known of a source."""
        return self._breakers.get(place, CLOSED)

    def _why_not(self, place: Place) -> str | None:
        self._breakers[place], why = admitted(self.state(place), self._clock())
        return why

    def _work(self, lane: deque[Call], now: datetime) -> None:
        """Carry out the calls of a lane, one after the other, until none is left."""
        while lane:
            try:
                call = lane.popleft()
            except IndexError:
                return
            if call.future.set_running_or_notify_cancel():
                self._carry_out(call, now)

    def _carry_out(self, call: Call, now: datetime) -> None:
        self.made[call.place] += 1
        try:
            found = call.job.run(now)
        except BaseException as error:  # noqa: BLE001  # kept with the call, as a pool keeps it; whoever waits says what it was
            known = error if isinstance(error, ControllerError) else None
            self._ended(call, ended_by(known), known)
            call.future.set_exception(error)
        else:
            self._ended(call, Ended.WELL, None)
            call.future.set_result(found)

    def _ended(self, call: Call, ended: Ended, error: ControllerError | None) -> None:
        """Note how a call ended, unless it came after it was given up: then that it hung is known already."""
        if not call.given_up:
            asked = error.retry_after if isinstance(error, TransientError) else timedelta(0)
            self._note(call.place, ended, why=str(error or ""), asked=asked)

    def _note(self, place: Place, ended: Ended, *, why: str = "", asked: timedelta = timedelta(0)) -> None:
        self._breakers[place] = after(self.state(place), ended, self._clock(), why=why, asked=asked)
