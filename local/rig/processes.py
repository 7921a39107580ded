"""Child processes of the rig: each prints a line of JSON when it is ready, and ends when told or with its parent."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from select import select
from time import monotonic
from typing import Any, Self

READY_WITHIN_S = 30.0
_END_WITHIN_S = 15.0


class Child:
    """A Python module running as a process of its own; what it logs goes to a file."""

    def __init__(
        self, module: str, arguments: Sequence[str], log: Path, settings: Mapping[str, str] | None = None
    ) -> None:
        """Start it and wait for its line.

        Raises:
            RuntimeError: it ended, or said nothing, within 30 s; the end of its log is in the message.
        """
        self.log = log
        with log.open("ab") as file:
            self.process = subprocess.Popen(  # noqa: S603  # our own interpreter and modules
                [sys.executable, "-m", module, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                env={**os.environ, **(settings or {})},
                cwd=Path(__file__).parents[2],
            )
        self.ready = self._ready_line(module)

    def _ready_line(self, module: str) -> dict[str, Any]:
        assert self.process.stdout is not None  # noqa: S101  # a pipe was asked for
        until = monotonic() + READY_WITHIN_S
        while monotonic() < until and self.process.poll() is None:
            if select([self.process.stdout], [], [], 0.2)[0] and (line := self.process.stdout.readline()):
                found: dict[str, Any] = json.loads(line)
                return found
        self.kill()
        raise RuntimeError(f"{module} did not start:\n{self.log.read_text(errors='replace')[-2000:]}")

    def end(self) -> None:
        """Ask it to end, and end it if it does not."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(_END_WITHIN_S)
            except subprocess.TimeoutExpired:
                self.kill()
        self._close()

    def kill(self) -> None:
        """End it the hard way, as a crash does."""
        self.process.kill()
        self.process.wait()
        self._close()

    def _close(self) -> None:
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None and not pipe.closed:
                pipe.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
