"""The adapters of Azure as they are, and one simulator that plays Azure for them; each test finds it without faults.

Site `demo` serves b2 and keeps b1 in slot `last-good`; site `annex` is there to be told apart from it.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from time import monotonic, sleep
from typing import Any

import pytest

from local.azure_simulator import config as simulated
from local.azure_simulator.launch import RunningSimulator, launch_simulator
from shared.adapters.app_service import AppServiceSlots
from shared.adapters.azure_clients import ArmAccess, credential
from shared.adapters.probe import HttpProber
from shared.model.policy import Policy
from shared.model.policy_text import read_policy

_QUICK = simulated.Timings(
    swap_s=0.15,
    swap_jitter_s=0.0,
    operation_retry_after_s=0,
    restart_s=0.0,
    metrics_delay_s=0.0,
    logs_delay_s=0.0,
)
_QUIET_WITHIN_S = 10.0
ARM_AUDIENCE = "https://management.azure.com"
GOOD_SLOT = "last-good"
_CONFIG = simulated.SimulatorConfig(
    sites=[
        simulated.SiteConfig(
            name="demo",
            slots={"production": simulated.SlotConfig(build="b2"), "last-good": simulated.SlotConfig(build="b1")},
        ),
        simulated.SiteConfig(name="annex", slots={"production": simulated.SlotConfig(build="a1")}),
    ],
    timings=_QUICK,
)
_POLICY = """\
workload: {workload}
site: {{resource: "{resource}", region: westeurope, url: "{url}", good_slot: last-good}}
signals:
  error_rate: {{probe: /health, share: failed, requests: 4, timeout: 2s}}
  p95: {{probe: /health, latency: p95, requests: 4, timeout: 2s}}
  server_error: {{metric: Http5xx, per: Requests}}
  requests: {{metric: Requests}}
  user_p95: {{log: p95.kql, workspace: "{workspace}", unit: ms}}
triggers:
  critical: [{{name: errors, when: error_rate > 5%}}]
"""


class Azure:
    """The simulator, with the few words that these tests need."""

    def __init__(self, simulator: RunningSimulator) -> None:
        self.simulator = simulator
        self.control = simulator.control
        self._kept: list[AppServiceSlots] = []

    @property
    def policy(self) -> Policy:
        return self.policy_of("demo")

    def policy_of(self, site: str) -> Policy:
        text = _POLICY.format(
            workload=site,
            resource=self.control("GET", "/state")["sites"][site]["resource_id"],
            url=self.simulator.front_doors[site],
            workspace=_CONFIG.sites[0].workspace_id,
        )
        return read_policy(text, file=f"{site}.yaml", settings={})

    def state(self) -> Any:
        return self.control("GET", "/state")["sites"]["demo"]

    def fault(self, api: str, kind: str, **more: Any) -> None:
        self.control("POST", "/faults", {"api": api, "kind": kind, **more})

    def posts(self) -> int:
        """How many swap POSTs arrived so far."""
        return len(self.state()["swap_posts"])

    def swap_back(self) -> None:
        """Put b2 into production again: a deployment would start a process, a swap only moves one."""
        self.wait_for_quiet()
        if self.state()["production_build"] == "b1":
            self.new_slots().swap(self.policy.site, GOOD_SLOT)
            self.wait_for_quiet()

    def wait_for_quiet(self) -> None:
        """Return when no operation runs."""
        until = monotonic() + _QUIET_WITHIN_S
        while self.state()["in_progress_operation_id"] and monotonic() < until:
            sleep(0.02)

    def new_slots(self) -> AppServiceSlots:
        """The adapter as another worker has it: with nothing in memory. Like all adapters it lives to the end."""
        self._kept.append(AppServiceSlots(ArmAccess(self.simulator.url, ARM_AUDIENCE)))
        return self._kept[-1]


@pytest.fixture(scope="package")
def running() -> Iterator[Azure]:
    with launch_simulator(_CONFIG) as simulator:
        credential.cache_clear()  # it keeps tokens, which only the simulator that gave them knows
        yield Azure(simulator)
        credential.cache_clear()


@pytest.fixture
def azure(running: Azure, monkeypatch: pytest.MonkeyPatch) -> Iterator[Azure]:
    # For each test again: the SDK reads it at every token, and other suites here have simulators too.
    for name, value in running.simulator.identity_environment.items():
        monkeypatch.setenv(name, value)
    yield running
    running.control("DELETE", "/faults")
    running.control("PUT", "/timings", _QUICK.model_dump())
    for slot in running.state()["slots"].values():
        running.control("DELETE", f"/builds/{slot['build']}/faults")
    running.swap_back()


@pytest.fixture(scope="package")
def prober() -> Iterator[HttpProber]:
    with ThreadPoolExecutor(4) as pool:
        yield HttpProber(pool)
