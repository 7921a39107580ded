"""The simulator as a process: nothing it started outlives it, however it ends; bad configuration is refused."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from local.azure_simulator.config import default_config
from local.azure_simulator.launch import launch_simulator

GONE_WITHIN_S = 5.0


def is_running(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def wait_until_gone(pids: list[int]) -> bool:
    deadline_s = time.monotonic() + GONE_WITHIN_S
    while any(map(is_running, pids)) and time.monotonic() < deadline_s:
        time.sleep(0.05)
    return not any(map(is_running, pids))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_builds_end_with_the_simulator(number: signal.Signals) -> None:
    with launch_simulator(default_config()) as simulator:
        slots = simulator.control("GET", "/state")["sites"]["demo"]["slots"].values()
        builds = [slot["pid"] for slot in slots]
        assert len(builds) == 2
        assert all(map(is_running, builds))
        os.kill(simulator.pid, number)
        assert wait_until_gone([simulator.pid, *builds])


def test_a_bad_configuration_is_refused(tmp_path: Path) -> None:
    config = default_config().model_dump(mode="json") | {"swap_speed": "fast"}
    path = tmp_path / "simulator.json"
    path.write_text(json.dumps(config))
    command = [sys.executable, "-m", "local.azure_simulator", "--config", str(path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)  # noqa: S603 - our own module
    assert ended.returncode == 2
    assert "swap_speed" in ended.stderr
