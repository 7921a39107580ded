"""The demo site as it is, one process for all these tests; each finds it healthy."""

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import IO, Any

import pytest

from shared.adapters.checks.journeys import JourneyChecker, RequestChecker
from shared.adapters.outbound import Outbound
from shared.adapters.probe import HttpProber
from shared.model.policy import Policy
from shared.model.policy_verify import Client, GetCheck, JourneyCheck
from shared.ports import CheckResult, Expected
from tests.fakes.clock import NOON
from tests.fakes.policies import policy

EXPECTED = Expected(known_good="b1", since=NOON)
SOON = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class RunningShop:
    """A process that serves build b1."""

    url: str
    orders: IO[str]
    answers: IO[str]

    def break_with(self, **faults: Any) -> None:
        """Returns when the process has them; nothing given heals it."""
        self.orders.write(json.dumps(faults) + "\n")
        self.orders.flush()
        self.answers.readline()


@pytest.fixture(scope="package")
def running() -> Iterator[RunningShop]:
    command = [sys.executable, "-m", "local.demo_site", "--build", "b1", "--control-on-stdin"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:  # noqa: S603  # our own interpreter
        assert process.stdin is not None
        assert process.stdout is not None
        shop = RunningShop(json.loads(process.stdout.readline())["url"], process.stdin, process.stdout)
        yield shop
        process.stdin.close()  # which ends it
    # Closes the connection that was kept to it: another look finds it broken.
    _prober().look(policy_for(shop.url), "/", Client.KEPT_ALIVE, 1, timeout=SOON)


@pytest.fixture
def shop(running: RunningShop) -> Iterator[RunningShop]:
    yield running
    running.break_with()


@pytest.fixture
def prober() -> HttpProber:
    return _prober()


@cache
def _prober() -> HttpProber:
    """One for all tests, because like all adapters it keeps its connections to the end of the process."""
    return HttpProber(ThreadPoolExecutor(4))


def policy_for(url: str, reach: str = "{}") -> Policy:
    """Return a policy whose site is there, and that reaches what is given as YAML."""
    return policy(("https://orders.example", url), ("notify:", f"reach: {reach}\nnotify:"))


def get(url: str, check: dict[str, Any], *, reach: str = "{}") -> CheckResult:
    """Carry out a check of one request on the site at `url`."""
    return RequestChecker(Outbound()).check(policy_for(url, reach), GetCheck.model_validate(check), EXPECTED)


def walk(
    url: str, *journey: dict[str, Any], clean_up: tuple[dict[str, Any], ...] = (), reach: str = "{}", **more: Any
) -> CheckResult:
    """Make a journey through the site at `url`."""
    check = JourneyCheck.model_validate({"journey": journey, "clean_up": clean_up, **more})
    return JourneyChecker(Outbound()).check(policy_for(url, reach), check, EXPECTED)
