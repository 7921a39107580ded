"""The command itself: what a person gets who mistypes, lacks a tool, or presses Ctrl-C."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.demo import __main__ as command
from local.demo.expectations import judge
from local.demo.report import Report, report
from local.demo.scenarios import SCENARIOS
from tests.scenarios.demo.recordings import bent

APP_FOLDER = Path(__file__).parents[3]
COMMAND = (sys.executable, "-m", "local.demo")
STARTED = "s since"


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(APP_FOLDER), **more}


def run(*arguments: str, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603  # our own interpreter and module
        [*COMMAND, *arguments],
        cwd=folder,
        env=environment(**more),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("by", ["argument", "variable"])
def test_an_unknown_scenario_is_named_with_those_that_exist(tmp_path: Path, by: str) -> None:
    done = run("meteor", folder=tmp_path) if by == "argument" else run(folder=tmp_path, SCENARIO="meteor")
    assert done.returncode == 2
    assert "there is no scenario 'meteor'; there is bad-build, dead-build, crash" in done.stderr


@pytest.mark.parametrize(("scenario", "tool"), [("healthy", "node"), ("ladder", "chromium")])
def test_a_missing_tool_gets_one_sentence(tmp_path: Path, scenario: str, tool: str) -> None:
    done = run(scenario, folder=tmp_path, PATH=str(tmp_path))
    assert done.returncode == 2
    assert done.stderr == f"The demo cannot be played: {tool} is missing; install it, or put it on the PATH\n"
    assert not list(tmp_path.iterdir())


def test_a_busy_port_gets_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = run("healthy", folder=tmp_path, RIG_SIMULATOR_PORT=str(taken.getsockname()[1]))
    assert done.returncode == 2
    (sentence,) = done.stderr.splitlines()
    assert sentence.startswith("The demo cannot be played: local.azure_simulator did not start:")


@pytest.mark.parametrize(("told", "code"), [(("decided", "verified"), 0), (("decided",), 1)])
def test_the_exit_code_says_whether_all_holds(
    monkeypatch: pytest.MonkeyPatch, told: tuple[str, ...], code: int
) -> None:
    def played(name: str) -> Report:
        recording = bent(scenario=name, told=told)
        return report(recording, judge(recording, SCENARIOS[name].expects))

    monkeypatch.setattr(command, "_play", played)
    monkeypatch.setattr(sys, "argv", ["demo", "bad-build"])
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # those of pytest itself stay
    assert command.main() == code


@pytest.fixture
def playing(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A demo under way, in a process group of its own as a terminal gives it."""
    with subprocess.Popen(  # noqa: S603  # our own interpreter and module
        [*COMMAND, "healthy"],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert any(STARTED in line for line in process.stdout)
        yield process
        process.kill()


def descendants(pid: int) -> set[int]:
    """Every process below this one, by what the kernel says of parents."""
    found: set[int] = set()
    waiting = [pid]
    while waiting:
        parent = waiting.pop()
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            children = {int(child) for child in task.read_text().split()}
            found |= children
            waiting += children
    return found


@pytest.mark.rig
@pytest.mark.skipif(sys.platform != "linux", reason="looks for left-over processes in /proc")
@pytest.mark.parametrize("everybody", [True, False], ids=["ctrl-c", "kill -TERM"])
def test_an_interrupt_stops_everything(playing: subprocess.Popen[str], *, everybody: bool) -> None:
    below = descendants(playing.pid)
    assert len(below) >= 4  # storage, simulator, two builds, a host
    if everybody:
        os.killpg(playing.pid, signal.SIGINT)
    else:
        playing.send_signal(signal.SIGTERM)
    _, errors = playing.communicate(timeout=120)
    assert playing.returncode == 130
    assert errors == "Interrupted; everything that the demo started has ended.\n"
    time.sleep(0.2)  # the kernel removes the last of them a moment later
    assert not [pid for pid in below if Path(f"/proc/{pid}").exists()]
