"""`python -m tests.scenarios.rows_matrix.worker`: a process of the product that may be killed or stopped.

It takes jobs as lines of JSON, and does each in a process of its own, forked once all is imported: a run takes as long
as its connections, not as long as starting Python. Only the driver's `wait` is watched, which every exchange with a
server goes through; the product has no part in it.
"""

import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from threading import Lock
from types import FrameType
from typing import Any, TypeVar
from unittest.mock import patch

from psycopg.abc import PQGen
from psycopg.waiting import Ready, Wait

from shared.adapters.postgres.copying import chunks as copying
from shared.adapters.postgres.server import session
from shared.adapters.postgres.server.session import Access
from shared.adapters.postgres.way_back.sync import Stage, Sync
from shared.errors import PermanentError, TransientError
from tests.scenarios.rows_matrix.world import CHECKPOINT, RULES, SYNC

_T = TypeVar("_T")
_PRODUCT = "/shared/adapters/postgres/"
_OF_THE_DRIVER = ("session.py", "worker.py")


class Kind(StrEnum):
    """What happens to the worker, and when: before a statement goes out; once it has gone out; once it is answered."""

    BEFORE = "before"
    SENT = "sent"
    AFTER = "after"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Blow:
    """At which exchange with which side it happens.

    Attributes:
        number: Of all with this side.
        what: What it is for; with a name, it is the exchange of `place` among those for the same, whatever its number:
            on a busy machine some things are asked for more than once.
    """

    side: str
    number: int
    kind: Kind
    what: str = ""
    place: int = 0

    def is_at(self, side: str, number: int, what: str, place: int) -> bool:
        """Tell whether it happens at an exchange."""
        wanted, found = ((self.what, self.place), (what, place)) if self.what else (self.number, number)
        return self.side == side and wanted == found


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a worker is to do.

    Attributes:
        slices: After how many slices it leaves off.
        traced: It says what each exchange was for.
    """

    source: str
    target: str
    blow: Blow | None = None
    within_s: float = 60.0
    slices: int = 1
    workers: int = RULES.workers
    lock_s: float = 2.0
    statement_s: float = 60.0
    traced: bool = False


@dataclass(slots=True)
class Watch:
    """Counts the exchanges with both sides, and strikes at one."""

    blow: Blow | None
    traced: bool
    counts: dict[str, int] = field(default_factory=lambda: {"source": 0, "target": 0})
    trace: list[tuple[str, str]] = field(default_factory=list)
    places: Counter[tuple[str, str]] = field(default_factory=Counter)
    lock: Lock = field(default_factory=Lock)

    def next(self, side: str) -> Kind | None:
        """Count an exchange with a side; return what is to happen at it."""
        with self.lock:
            self.counts[side] += 1
            what = _asked_for()
            self.places[side, what] += 1
            if self.traced:
                self.trace.append((side, what))
            at = side, self.counts[side], what, self.places[side, what]
        return self.blow.kind if self.blow is not None and self.blow.is_at(*at) else None


def _asked_for() -> str:
    """Return which functions of the product it is for, the innermost first."""
    frame: FrameType | None = sys._getframe(2)
    names = []
    while frame is not None:
        file = frame.f_code.co_filename
        if _PRODUCT in file and not file.endswith(_OF_THE_DRIVER):
            names.append(frame.f_code.co_name)
        frame = frame.f_back
    return " < ".join(names[:3]) or "connect"


def _strike(kind: signal.Signals) -> None:
    os.kill(os.getpid(), kind)
    while kind is signal.SIGKILL:  # it comes before the next statement of this process, not of this thread
        time.sleep(1)


def _gone_out(gen: PQGen[Any]) -> None:
    """Let a statement go out to the last byte, but read no answer."""
    state = next(gen)
    until = time.monotonic() + 1
    while state != Wait.R and time.monotonic() < until:
        state = gen.send(Ready.W)
    time.sleep(0.002)


@contextmanager
def watched(watch: Watch) -> Iterator[None]:
    """Let all connections of the product be watched."""
    plain = session._Side

    class Watched(plain):  # type: ignore[valid-type, misc]  # a class of the product, as it is
        def wait(self, gen: PQGen[_T], interval: float = 0.1, timeout: float | None = None) -> _T:
            kind = watch.next(self.called) if self.called else None
            if kind is Kind.STOPPED:
                _strike(signal.SIGSTOP)
            if kind is Kind.BEFORE:
                _strike(signal.SIGKILL)
            if kind is Kind.SENT:
                with suppress(StopIteration):
                    _gone_out(gen)
                _strike(signal.SIGKILL)
            try:
                answer: _T = super().wait(gen, interval, timeout)
            finally:  # an error is an answer as well
                if kind is Kind.AFTER:
                    _strike(signal.SIGKILL)
            return answer

    with patch.object(session, "_Side", Watched):
        yield


def work(job: Job) -> dict[str, Any]:
    """Do it; return how it ended."""
    watch = Watch(job.blow, job.traced)
    rules = replace(
        RULES,
        workers=job.workers,
        lock_timeout=timedelta(seconds=job.lock_s),
        statement_timeout=timedelta(seconds=job.statement_s),
    )
    sides = (Access("source", job.source, verified=False), Access("target", job.target, verified=False))
    began = time.monotonic()
    # On a busy machine a server looks far away; exchanges are counted, so that there may not be more of them then.
    near = patch.object(copying, "_FAR_S", sys.maxsize)
    with watched(watch), near, ThreadPoolExecutor(job.workers + 2) as pool:
        ended, said = _slices(Sync(SYNC, CHECKPOINT, *sides, rules, pool), job)
    return {"ended": ended, "said": said, "took_s": time.monotonic() - began, "trace": watch.trace} | {
        "counts": watch.counts
    }


def _slices(sync: Sync, job: Job) -> tuple[str, str]:
    stage = ""
    try:
        for _ in range(job.slices):
            stage = state.stage if (state := sync.work(job.within_s)) else ""
            if state.stage is Stage.DONE:
                return "done", f"{state.said}, round {state.round}"
    except TransientError as error:
        return "not now", str(error)
    except PermanentError as error:
        return "refused", str(error)
    return "left", str(stage)


def _child(job: Job) -> None:
    try:
        answer = work(job)
    except BaseException as error:  # noqa: BLE001  # the boundary of a process: whoever asked is told
        answer = {"ended": "crashed", "said": repr(error)}
    _say(answer)
    os._exit(0)


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def _follow(pid: int) -> None:
    """Say whose process it is; wait for it, and say so when it stops or is killed."""
    _say({"pid": pid})
    while True:
        _, status = os.waitpid(pid, os.WUNTRACED)
        if os.WIFSTOPPED(status):
            _say({"ended": "stopped", "said": ""})
            if not sys.stdin.readline():
                os.kill(pid, signal.SIGKILL)
                continue
            os.kill(pid, signal.SIGCONT)
        elif os.WIFSIGNALED(status):
            _say({"ended": "killed", "said": ""})
            return
        else:
            return


def main() -> None:
    while line := sys.stdin.readline():
        given = json.loads(line)
        blow = given.pop("blow")
        job = Job(**given, blow=Blow(**blow | {"kind": Kind(blow["kind"])}) if blow else None)
        pid = os.fork()
        if not pid:
            _child(job)
        _follow(pid)


def as_line(job: Job) -> str:
    return json.dumps(asdict(job)) + "\n"


if __name__ == "__main__":
    main()
