"""Modules of ours as processes of their own: each prints a line of JSON when it is ready.

A child inherits this process's environment and ends when it is told to, or when this process dies. Its log goes to a
file, because an unread pipe would block it.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from select import select
from time import monotonic
from typing import Any, Self

READY_WITHIN_S = 60.0
_END_WITHIN_S = 15.0
_LOG_TAIL = 2000


class Child:
    """`python -m module --end-with-stdin arguments`; ready when constructed."""

    def __init__(
        self, module: str, arguments: Sequence[str], log: Path, settings: Mapping[str, str] | None = None
    ) -> None:
        """Start it and wait for its line, which is `ready` from then on.

        Args:
            settings: Variables over those of this process.

        Raises:
            RuntimeError: it ended, or said nothing, within 60 s; the end of its log is in the message.
        """
        self.log = log
        with log.open("ab") as file:
            self.process = subprocess.Popen(  # noqa: S603  # our own interpreter and modules
                [sys.executable, "-m", module, "--end-with-stdin", *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                env={**os.environ, **(settings or {})},
                cwd=Path(__file__).parents[1],
            )
        try:
            self.ready: dict[str, Any] = json.loads(self._first_line() or self._refuse(module))
        except BaseException:  # nobody else knows of it yet
            self.kill()
            raise

    def _first_line(self) -> bytes:
        """Return its first line; nothing if it ended, or if time ran out."""
        assert self.process.stdout is not None  # noqa: S101  # a pipe was asked for
        until = monotonic() + READY_WITHIN_S
        said = b""
        while not said.endswith(b"\n"):
            if not select([self.process.stdout], [], [], max(0.0, until - monotonic()))[0]:
                return b""
            # Past the buffer of `stdout`: select does not see what was read ahead, and half a line would block.
            if not (piece := os.read(self.process.stdout.fileno(), 65536)):
                return b""
            said += piece
        return said

    def _refuse(self, module: str) -> bytes:
        try:
            reason = f"exit code {self.process.wait(1)}"
        except subprocess.TimeoutExpired:
            reason = f"it was not ready within {READY_WITHIN_S:.0f} s"
        raise RuntimeError(f"{module} did not start: {reason}:\n{self.log.read_text(errors='replace')[-_LOG_TAIL:]}")

    def end(self) -> int:
        """Ask it to end, as the platform does, and kill it if it does not; return its exit code."""
        self.process.terminate()
        try:
            self.process.wait(_END_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
        return self._reap()

    def kill(self) -> None:
        """End it the hard way, as a crash does: nothing is released, nothing is finished."""
        self.process.kill()
        self._reap()

    def _reap(self) -> int:
        returncode = self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        return returncode

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()  # one that has ended takes no harm from it
