"""The demo site, and a real Prometheus that scrapes it; without the program these tests are left out."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any

import httpx
import pytest

from local.prometheus import JOB, Prometheus, installed
from shared.adapters.outbound import Outbound
from shared.adapters.prometheus import PrometheusSource
from shared.model.policy import Policy
from shared.model.signal import Sample
from shared.ports import Want
from tests.fakes.policies import policy

QUERIES = Path(__file__).parents[3] / "infra" / "promql"
LOOPBACK = ("notify:", "reach: {hosts: [127.0.0.1]}\nnotify:")


@dataclass(frozen=True, slots=True)
class ScrapedSite:
    """The demo site with the Prometheus that scrapes it."""

    url: str
    prometheus: Prometheus
    orders: IO[str]
    answers: IO[str]

    def break_with(self, **faults: Any) -> None:
        """Returns when the process has them; nothing given heals it."""
        self.orders.write(json.dumps(faults) + "\n")
        self.orders.flush()
        self.answers.readline()

    def visit(self, times: int, path: str = "/", method: str = "GET", **more: Any) -> None:
        with httpx.Client() as client:
            for _ in range(times):
                client.request(method, self.url + path, **more)


@pytest.fixture(scope="package")
def running() -> Iterator[ScrapedSite]:
    if installed() is None:
        pytest.skip("there is no Prometheus here (Debian: apt-get install prometheus)")
    command = [sys.executable, "-m", "local.demo_site", "--build", "b1", "--control-on-stdin"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:  # noqa: S603  # our own interpreter
        assert process.stdin is not None
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        with Prometheus(url.removeprefix("http://")) as prometheus:
            yield ScrapedSite(url, prometheus, process.stdin, process.stdout)
        process.stdin.close()  # which ends it


@pytest.fixture
def site(running: ScrapedSite) -> Iterator[ScrapedSite]:
    yield running
    running.break_with()


def querying(endpoint: str, signal: str) -> Policy:
    """Return a policy with a signal `asked`, written as YAML without its endpoint."""
    written = f"  asked: {{{signal}, endpoint: '{endpoint}', every: 1s, delay: 0s}}"
    return policy(LOOPBACK, ("  memory: {alert", f"{written}\n  memory: {{alert"))


def ask(
    chosen: Policy, *, back_s: float = 10, folder: Path = QUERIES, token: Callable[[], str] = lambda: "t0ken"
) -> tuple[Sample, ...]:
    """Ask for the samples of `asked` of the last seconds."""
    now = datetime.now(UTC)
    source = PrometheusSource(Outbound(), folder, token)
    (job,) = source.jobs([Want(chosen, "asked", chosen.signals["asked"], now - timedelta(seconds=back_s))])
    (found,) = job.run(now)
    return found.samples


def parameters(**more: str) -> str:
    return ", ".join(f"{name}: {value}" for name, value in {"job": JOB, **more}.items())
