"""One simulator for all these tests, spoken to by the real Azure SDKs; each test finds it as if new.

Site `demo` serves b2 and keeps b1 in slot `last-good`. Timings are quick, and no data is late unless a test
says so.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import httpx
import pytest
from azure.core.exceptions import HttpResponseError
from azure.core.pipeline import PipelineRequest
from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.identity import ManagedIdentityCredential
from azure.mgmt.web import WebSiteManagementClient
from azure.mgmt.web.models import (
    CsmSlotEntity,
    Experiments,
    RampUpRule,
    SiteConfig,
    SiteConfigResource,
    StringDictionary,
)
from azure.mgmt.web.operations import WebAppsOperations
from azure.monitor.query import LogsQueryClient
from azure.monitor.querymetrics import MetricsClient

from local.azure_simulator import config as simulated
from local.azure_simulator.launch import RunningSimulator, launch_simulator

GROUP = "demo-rg"
TO_PRODUCTION = CsmSlotEntity(target_slot="production", preserve_vnet=True)
QUICK = simulated.Timings(
    swap_s=0.1,
    swap_jitter_s=0.0,
    operation_retry_after_s=0,
    restart_s=0.0,
    metrics_delay_s=0.0,
    logs_delay_s=0.0,
)
BUILDS = {"production": "b2", "last-good": "b1"}
SETTINGS = {"production": {"SLOT_NAME": "prod"}, "last-good": {"SLOT_NAME": "kept"}}


def make_config() -> simulated.SimulatorConfig:
    slots = {name: simulated.SlotConfig(build=build, settings=SETTINGS[name]) for name, build in BUILDS.items()}
    site = simulated.SiteConfig(name="demo", slots=slots, sticky_settings=["SLOT_NAME"])
    return simulated.SimulatorConfig(sites=[site], timings=QUICK, allow_fine_grain=True)


class AllowHttp(SansIOHTTPPolicy[Any, Any]):
    """Lets the SDK send its token over loopback HTTP."""

    def on_request(self, request: PipelineRequest[Any]) -> None:
        request.context.options["enforce_https"] = False


@dataclass
class Azure:
    """The simulator and the SDK clients that speak to it."""

    simulator: RunningSimulator
    credential: ManagedIdentityCredential

    @cached_property
    def apps(self) -> WebAppsOperations:
        return self.new_apps()

    def new_apps(self, *, retry_total: int = 0) -> WebAppsOperations:
        """The operations of a client of its own; building one takes a tenth of a second."""
        client = WebSiteManagementClient(
            self.credential,
            SUBSCRIPTION,
            base_url=self.simulator.url,
            per_call_policies=[AllowHttp()],
            polling_interval=0.1,
            retry_total=retry_total,
        )
        return client.web_apps

    @cached_property
    def metrics(self) -> MetricsClient:
        return MetricsClient(self.simulator.url, self.credential, per_call_policies=[AllowHttp()], retry_total=0)

    @cached_property
    def logs(self) -> LogsQueryClient:
        return LogsQueryClient(
            self.credential, endpoint=self.simulator.url, per_call_policies=[AllowHttp()], retry_total=0
        )

    def swap(self) -> None:
        self.apps.begin_swap_slot(GROUP, "demo", "last-good", TO_PRODUCTION).result()

    def route(self, *rules: RampUpRule) -> None:
        config = SiteConfigResource(properties=SiteConfig(experiments=Experiments(ramp_up_rules=list(rules))))
        self.apps.update_configuration(GROUP, "demo", config)

    def site(self) -> httpx.Client:
        return httpx.Client(base_url=self.simulator.front_doors["demo"], headers={"User-Agent": "visitor/1"})

    def control(self, method: str, path: str, body: Any = None) -> Any:
        return self.simulator.control(method, path, body)

    def state(self) -> Any:
        return self.control("GET", "/state")["sites"]["demo"]

    def set_fault(self, api: str, kind: str, **more: Any) -> str:
        fault_id: str = self.control("POST", "/faults", {"api": api, "kind": kind, **more})["id"]
        return fault_id


SUBSCRIPTION = make_config().subscription_id


def http_response(failure: pytest.ExceptionInfo[HttpResponseError]) -> Any:
    """The response behind an SDK's error: App Service says why only in its body, which the SDK does not parse."""
    assert failure.value.response is not None
    return failure.value.response


@pytest.fixture(scope="package")
def running() -> Iterator[Azure]:
    with launch_simulator(make_config()) as simulator:
        with pytest.MonkeyPatch.context() as patch:
            _be_identified_by(simulator, patch)
            credential = ManagedIdentityCredential()
        yield Azure(simulator, credential)
        credential.close()


def _be_identified_by(simulator: RunningSimulator, patch: pytest.MonkeyPatch) -> None:
    for name, value in simulator.identity_environment.items():
        patch.setenv(name, value)


@pytest.fixture
def azure(running: Azure, monkeypatch: pytest.MonkeyPatch) -> Iterator[Azure]:
    # For each test again: the SDK reads it at every token, and other suites here have simulators too.
    _be_identified_by(running.simulator, monkeypatch)
    before = _shape(running)
    yield running
    running.control("DELETE", "/faults")
    running.control("PUT", "/timings", QUICK.model_dump() | {"swap_s": 0.0})
    running.control("PUT", "/throttling", simulated.Throttling().model_dump())
    running.control("PUT", "/permissions", {"denied": []})
    for build in running.control("GET", "/state")["build_faults"]:
        running.control("DELETE", f"/builds/{build}/faults")
    if _shape(running) != before:
        _restore_site(running)
    running.control("PUT", "/timings", QUICK.model_dump())


def _shape(running: Azure) -> Any:
    """What a test may have changed of the site, without what only grows."""
    state = running.state()
    slots = {name: (slot["build"], slot["cold"], slot["settings"]) for name, slot in state["slots"].items()}
    return slots, state["in_progress_operation_id"], state["preview"], state["rampUpRules"]


def _restore_site(running: Azure) -> None:
    """By swapping back where that is enough: a deployment starts a process, a swap only moves one."""
    while running.state()["in_progress_operation_id"]:
        time.sleep(0.05)
    running.apps.reset_slot_configuration_slot(GROUP, "demo", "last-good")
    running.route()
    if running.state()["production_build"] == BUILDS["last-good"]:
        running.swap()
    for slot, build in BUILDS.items():
        if running.state()["slots"][slot]["build"] != build:
            running.control("POST", "/sites/demo/deploy", {"slot": slot, "build": build})
    _restore_settings(running)


def _restore_settings(running: Azure) -> None:
    apps = running.apps
    wanted = {slot: SETTINGS[slot] | {"BUILD_ID": build} for slot, build in BUILDS.items()}
    slots = running.state()["slots"]
    if slots["production"]["settings"] != wanted["production"]:
        apps.update_application_settings(GROUP, "demo", StringDictionary(properties=wanted["production"]))
    if slots["last-good"]["settings"] != wanted["last-good"]:
        kept = StringDictionary(properties=wanted["last-good"])
        apps.update_application_settings_slot(GROUP, "demo", "last-good", kept)
    while any(slot["cold"] for slot in running.state()["slots"].values()):
        time.sleep(0.05)
