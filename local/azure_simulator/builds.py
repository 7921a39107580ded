"""A deployment: one build in one place, served by a process of its own that dies with the simulator."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress

from local.demo_site.faults import HEALTHY, BuildFaults

STOP_GRACE_S = 3.0


class Deployment:
    """Content of a slot. A swap moves deployments between slots; it never restarts or copies them."""

    def __init__(self, build: str) -> None:
        self.build = build
        self.url: str | None = None
        self._process: Process | None = None

    async def start(self, faults: BuildFaults) -> None:
        """Starts the process unless it runs; a build that dies is not brought up."""
        if self.is_alive or faults.die:
            return
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "local.demo_site", "--build", self.build, "--control-on-stdin"),
            stdin=PIPE,
            stdout=PIPE,
        )
        self.url = (await self._read_line(self._process))["url"]
        if faults != HEALTHY:
            await self.break_with(faults)

    async def break_with(self, faults: BuildFaults) -> None:
        """Returns when the process has the faults, or has died of them."""
        process = self._process
        if process is None or process.returncode is not None or process.stdin is None:
            return
        process.stdin.write(faults.model_dump_json().encode() + b"\n")
        await process.stdin.drain()
        if faults.die:
            await process.wait()
        else:
            await self._read_line(process)

    async def stop(self) -> None:
        """The end of its pipe tells the process to end; one that does not is killed."""
        process, self._process, self.url = self._process, None, None
        if process is None or process.stdin is None:
            return
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), STOP_GRACE_S)
        except TimeoutError:
            with suppress(ProcessLookupError):  # it ended in the same moment
                process.kill()
            await process.wait()

    async def restart(self, faults: BuildFaults) -> None:
        await self.stop()
        await self.start(faults)

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process and self.is_alive else None

    async def _read_line(self, process: Process) -> dict[str, str]:
        if process.stdout is None:
            raise RuntimeError(f"build {self.build} has no pipe to answer on")
        line = await process.stdout.readline()
        if not line:
            raise RuntimeError(f"build {self.build} ended before it answered")
        answer: dict[str, str] = json.loads(line)
        return answer
