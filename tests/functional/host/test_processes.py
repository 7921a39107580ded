"""Nothing is left behind when a launcher dies: neither a host nor an Azurite."""

import socket
import subprocess
import sys
from pathlib import Path

from local.azurite import Azurite
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
    assert host._process.stdin is not None
    host._process.stdin.close()  # what the kernel does for a launcher that was killed
    assert host._process.wait(10) == 0
