"""A host in a process of its own, for launchers and tests.

It inherits this process's environment; `settings` are the app settings on top. Its log goes to a
file, because an unread pipe would block it. It stops when its launcher dies.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path(__file__).parents[2]
STOP_WITHIN_S = 15.0


class HostProcess:
    """Ready when constructed; raises RuntimeError with the log when the host does not start."""

    def __init__(self, app_dir: Path, settings: Mapping[str, str], log: Path, *arguments: str) -> None:
        self.log = log
        with log.open("ab") as stderr:
            self._process = subprocess.Popen(  # noqa: S603 - the launcher chooses what it starts
                [
                    *(sys.executable, "-m", "local.functions_host", "--end-with-stdin"),
                    *("--app-dir", str(app_dir), *arguments),
                ],
                cwd=ROOT,
                env={**os.environ, **settings},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
            )
        self._read_ready_line()

    def _read_ready_line(self) -> None:
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe: tells the type checker
        line = self._process.stdout.readline()
        if not line:
            exit_code = self._reap()
            raise RuntimeError(f"the host ended with exit code {exit_code}:\n{self.log.read_text()}")
        ready = json.loads(line)
        self.url: str = ready["url"]
        self.function_key: str = ready["function_key"]
        self.master_key: str = ready["master_key"]
        self.functions: list[str] = ready["functions"]

    @property
    def pid(self) -> int:
        return self._process.pid

    def stop(self) -> int:
        """SIGTERM, as the platform sends it; answers the exit code."""
        self._process.terminate()
        return self._reap()

    def kill(self) -> None:
        """SIGKILL: nothing is released, nothing is finished."""
        self._process.kill()
        self._reap()

    def _reap(self) -> int:
        try:
            return self._process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()
        finally:
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    pipe.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()  # a process that has ended takes no harm from it
