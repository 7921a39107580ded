"""The other end of a worker's pipe: gives it jobs, one at a time, and reads how they ended."""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Self

from tests.scenarios.rows_matrix.worker import Job, as_line

_ROOT = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True)
class Ended:
    """How a job ended: done, left, not now, refused, killed, stopped or crashed; what it said; how long it took."""

    ended: str
    said: str
    took_s: float = 0.0
    counts: dict[str, int] = field(default_factory=dict)
    trace: list[tuple[str, str]] = field(default_factory=list)


class Worker:
    """A process that works. Use as a context manager."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.scenarios.rows_matrix.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=_ROOT,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()

    def begin(self, job: Job) -> None:
        self._write(as_line(job))
        self._pid: int = self._read()["pid"]

    def kill(self) -> None:
        """Kill the process of the job that runs."""
        os.kill(self._pid, signal.SIGKILL)

    def ended_within(self, within_s: float) -> Ended | None:
        """Return how it ended, or `None` when it has not."""
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], within_s)
        return self.ended() if ready else None

    def go_on(self) -> None:
        """Let a job that has stopped go on."""
        self._write("\n")

    def ended(self) -> Ended:
        return Ended(**self._read())

    def do(self, job: Job) -> Ended:
        self.begin(job)
        return self.ended()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def _write(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line)
        self._process.stdin.flush()


@dataclass(frozen=True, slots=True)
class Crew:
    """Several workers, for plays that are mostly waiting."""

    free: SimpleQueue[Worker]
    pool: ThreadPoolExecutor

    def each[T, C](self, play: Callable[[Worker, T], C], given: Iterable[T]) -> Iterator[C]:
        """Play what is given, some at a time, each with a worker of its own; in order."""
        return self.pool.map(lambda one: self._with_worker(play, one), given)

    def _with_worker[T, C](self, play: Callable[[Worker, T], C], given: T) -> C:
        worker = self.free.get()
        try:
            return play(worker, given)
        finally:
            self.free.put(worker)


@contextmanager
def crew(size: int) -> Iterator[Crew]:
    free: SimpleQueue[Worker] = SimpleQueue()
    with ExitStack() as stack, ThreadPoolExecutor(size) as pool:
        for _ in range(size):
            free.put(stack.enter_context(Worker()))
        yield Crew(free, pool)
