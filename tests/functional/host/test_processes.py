"""Nothing is left behind when a launcher dies or gives up: neither a host nor an Azurite."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from local import processes
from local.azurite import Azurite
from local.processes import Child
from tests.functional.host.conftest import StartHost, wait_until

ROOT = Path(__file__).parents[3]
START_AND_WAIT = (
    "from local.azurite import Azurite\n"
    "with Azurite() as azurite:\n"
    "    print(azurite.connection_string, flush=True)\n"
    "    input()\n"
)


def ports(connection_string: str) -> list[int]:
    endpoints = [part for part in connection_string.split(";") if "Endpoint=" in part]
    return [int(endpoint.split(":")[2].split("/")[0]) for endpoint in endpoints]


def answers(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def test_azurite_answers_on_three_ports_and_is_gone_afterwards() -> None:
    with Azurite() as azurite:
        own = ports(azurite.connection_string)
        assert len(set(own)) == 3
        assert all(answers(port) for port in own)
    assert not any(answers(port) for port in own)


def test_azurite_dies_with_a_launcher_that_is_killed() -> None:
    launcher = subprocess.Popen(  # noqa: S603 - the interpreter that runs this test
        [sys.executable, "-c", START_AND_WAIT],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with launcher:
        assert launcher.stdout is not None
        own = ports(launcher.stdout.readline())
        assert all(answers(port) for port in own)
        launcher.kill()
    wait_until(lambda: not any(answers(port) for port in own))


def test_a_host_ends_when_its_launcher_is_gone(start_host: StartHost) -> None:
    host = start_host()
    assert host.process.stdin is not None
    host.process.stdin.close()  # what the kernel does for a launcher that was killed
    assert host.process.wait(10) == 0


def children() -> list[str]:
    """Every process that this one started, by what the kernel says."""
    return sorted(child for task in Path("/proc/self/task").glob("*/children") for child in task.read_text().split())


@pytest.mark.skipif(sys.platform != "linux", reason="looks for left-over processes in /proc")
def test_a_child_that_is_not_ready_in_time_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = children()
    monkeypatch.setattr(processes, "READY_WITHIN_S", 0.0)
    with pytest.raises(RuntimeError, match=r"local\.azure_simulator did not start: it was not ready within 0 s"):
        Child("local.azure_simulator", [], tmp_path / "child.log")
    assert children() == before


@pytest.mark.skipif(sys.platform != "linux", reason="looks for left-over processes in /proc")
def test_a_child_whose_launcher_is_interrupted_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    before = children()
    monkeypatch.setattr(processes, "select", interrupted)
    with pytest.raises(KeyboardInterrupt):
        Child("local.azure_simulator", [], tmp_path / "child.log")
    assert children() == before
