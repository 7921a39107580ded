"""Starts the simulator as a process of its own, for tests, scenarios and demos written in plain sync Python."""

import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from local.azure_simulator.config import SimulatorConfig

STOP_TIMEOUT_S = 10
CONTROL_TIMEOUT_S = 30


class ControlRefusedError(Exception):
    """The control endpoint answered an error; the message is its sentence."""


@dataclass(frozen=True, slots=True)
class RunningSimulator:
    url: str
    front_doors: dict[str, str]
    control_url: str
    identity_endpoint: str
    identity_header: str
    pid: int

    @property
    def identity_environment(self) -> dict[str, str]:
        """What App Service sets, so that ManagedIdentityCredential finds its endpoint."""
        return {"IDENTITY_ENDPOINT": self.identity_endpoint, "IDENTITY_HEADER": self.identity_header}

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """`control("PUT", "/timings", {"swap_s": 1})`; answers the JSON that came back."""
        request = Request(  # noqa: S310 - always the simulator's own loopback URL
            self.control_url + path, method=method, data=None if body is None else json.dumps(body).encode()
        )
        try:
            with urlopen(request, timeout=CONTROL_TIMEOUT_S) as answer:  # noqa: S310 - as above
                return json.load(answer)
        except HTTPError as refused:
            with refused:
                raise ControlRefusedError(refused.read().decode()) from refused


@contextlib.contextmanager
def launch_simulator(config: SimulatorConfig) -> Iterator[RunningSimulator]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "simulator.json")
        path.write_text(config.model_dump_json())
        command = [sys.executable, "-m", "local.azure_simulator", "--config", str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:  # noqa: S603 - our own module
            try:
                yield _read_ready_line(process)
            finally:
                process.terminate()
                process.wait(STOP_TIMEOUT_S)


def _read_ready_line(process: subprocess.Popen[bytes]) -> RunningSimulator:
    line = process.stdout.readline() if process.stdout else b""
    if not line:
        raise RuntimeError("the simulator ended before it was ready; its reason is on stderr")
    ready = json.loads(line)
    return RunningSimulator(
        url=ready["simulator"],
        front_doors=ready["front_doors"],
        control_url=ready["control"],
        identity_endpoint=ready["identity"]["endpoint"],
        identity_header=ready["identity"]["header"],
        pid=process.pid,
    )
