"""Azure Monitor as a source: two sites that are really visited, and each way in which their figures fail to come."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx

from local.azure_simulator import config as simulated
from local.azure_simulator import faults as simulated_faults
from local.azure_simulator.distortions import DISTORTIONS, FIGURES
from local.azure_simulator.launch import RunningSimulator
from shared.adapters import cost_management
from shared.adapters.azure_clients import ArmAccess
from shared.adapters.cost_management import CostSource
from shared.adapters.monitor_logs import LogSource
from shared.adapters.monitor_metrics import MetricSource
from shared.adapters.resource_health import ResourceHealthSource
from shared.adapters.turnstile import Turnstile
from shared.clock import Clock
from shared.ports import Collected, Job, SampleSource, Want
from tests.scenarios.fault_matrix.ground import Address, Story
from tests.scenarios.fault_matrix.kinds import WORKSPACE, Fault, Kind, Source
from tests.scenarios.fault_matrix.simulated_time import simulator_at

_KQL = Path(__file__).parents[3] / "infra" / "kql"
_VISITS = 4
_PROMPT = simulated.Timings(metrics_delay_s=0.0, logs_delay_s=0.0)
_SITES = {Story.QUIET: "quiet", Story.PENDING: "pending", Story.UNHEARD: "quiet"}


@dataclass(frozen=True, slots=True)
class MonitorFace:
    """How a fault looks here: a fault of the simulator, other timings, or that nobody comes.

    Attributes:
        zeros: What a metric has no figure for is told as 0. A metric by itself then says 0, and means it: only one that
            is divided by another can know that nobody came.
    """

    fault: Mapping[str, Any] | None = None
    timings: Mapping[str, float] = field(default_factory=dict)
    visited: bool = True
    zeros: bool = False
    health: Mapping[str, Any] = field(default_factory=dict)

    def fits(self, kind: Kind) -> bool:
        return not self.zeros or "per: " in kind.signal


DOWN: Mapping[str, Mapping[str, Any]] = {
    "connections are cut": {"kind": "cut_before"},
    "answers are cut": {"kind": "cut_after"},
    "500": {"kind": "status", "status": 500},
    "503": {"kind": "status", "status": 503},
    "429, come back in 77 s": {"kind": "status", "status": 429, "retry_after_s": 77},
}
FORBIDDEN: Mapping[str, Mapping[str, Any]] = {
    "the role was taken away": {"kind": "forbidden"},
    "401": {"kind": "status", "status": 401},
}
_NO_ANSWER = {
    Fault.DOWN: {name: MonitorFace(fault) for name, fault in DOWN.items()},
    Fault.FORBIDDEN: {name: MonitorFace(fault) for name, fault in FORBIDDEN.items()},
}
_LATE = {"metrics_delay_s": 900.0, "logs_delay_s": 900.0}
FACES: Mapping[Fault, Mapping[str, MonitorFace]] = {
    **_NO_ANSWER,
    Fault.EMPTY: {"answers hold no rows": MonitorFace({"kind": "empty"})},
    Fault.STALE: {"answers stand still in time": MonitorFace({"kind": "stale"})},
    Fault.NAN: {"every figure is NaN": MonitorFace({"kind": "nan"})},
    Fault.RENAMED: {"metrics and columns have other names": MonitorFace({"kind": "renamed"})},
    Fault.NO_TRAFFIC: {
        "nobody visits the site": MonitorFace(visited=False),
        "nobody does, and figures are 0 (shares)": MonitorFace({"kind": "empty"}, visited=False, zeros=True),
    },
    Fault.SLOW: {
        "answers take longer than the time-out": MonitorFace({"kind": "delay", "delay_s": 0.6}),
        "figures arrive 15 min late": MonitorFace(timings=_LATE),
    },
}
_APIS = {Source.METRIC: "metrics", Source.LOG: "logs", Source.RESOURCE_HEALTH: "resource_health"}
# Of the platform there is no traffic; what it says is a word, or that it does not know.
HEALTH_FACES: Mapping[Fault, Mapping[str, MonitorFace]] = {
    **_NO_ANSWER,
    Fault.EMPTY: {"an answer without properties": MonitorFace({"kind": "empty"})},
    Fault.STALE: {"last looked at two hours ago": MonitorFace(health={"reported_ago_s": 7200.0})},
    Fault.NAN: {"a word that is not documented": MonitorFace(health={"state": "Fine"})},
    Fault.RENAMED: {"404": MonitorFace({"kind": "status", "status": 404})},
    Fault.NO_TRAFFIC: {"Azure does not know": MonitorFace(health={"state": "Unknown"})},
    Fault.SLOW: {"answers take longer than the time-out": MonitorFace({"kind": "delay", "delay_s": 0.6})},
}


def _zeros(answer: Any) -> Any:
    """Tell 0 for every point of every metric."""
    points = (
        point
        for resource in answer["values"]
        for metric in resource["value"]
        for series in metric["timeseries"]
        for point in series["data"]
    )
    for point in points:
        point.update(dict.fromkeys(FIGURES, 0.0))
    return answer


class AskedOnce:
    """Fulfils `ports.SampleSource`: asks the real one once for the workloads of a site that want the same.

    The tiers differ in what is made of a reading, not in the reading, and a log query costs the simulator 20 ms.
    """

    def __init__(self, source: SampleSource) -> None:
        self._source = source

    def jobs(self, wants: Sequence[Want]) -> list[Job]:
        groups = groupby(sorted(wants, key=_asked), key=_asked)
        return [self._job(tuple(same)) for _, same in groups]

    def _job(self, wants: tuple[Want, ...]) -> Job:
        (asked,) = self._source.jobs(wants[:1])

        def run(now: datetime) -> list[Collected]:
            (found,) = asked.run(now)
            return [replace(found, workload=want.policy.workload) for want in wants]

        return Job(wants=wants, timeout=asked.timeout, run=run)


def _asked(want: Want) -> tuple[str, str, datetime]:
    return want.policy.site.resource, want.name, want.since


class Azure:
    """The simulator with two sites, and the adapters that ask it: one of each, as in a worker's whole life."""

    def __init__(self, simulator: RunningSimulator, clock: Clock) -> None:
        self.simulator = simulator
        self.adapters: Mapping[Source, SampleSource] = {
            Source.METRIC: MetricSource(simulator.url, None),
            Source.COST: _cost_source(simulator, clock),
            Source.RESOURCE_HEALTH: ResourceHealthSource(ArmAccess(simulator.url, "https://management.azure.com")),
            Source.LOG: AskedOnce(LogSource(simulator.url, None, _KQL)),
        }
        sites = simulator.control("GET", "/state")["sites"]
        self._distorted = ExitStack()
        self.resources: dict[str, str] = {name: site["resource_id"] for name, site in sites.items()}

    def tell_zeros(self) -> None:
        """Have the fault `empty` of metrics be zeros."""
        self._distorted.enter_context(
            patch.dict(DISTORTIONS, {(simulated_faults.Api.METRICS, simulated_faults.Kind.EMPTY): _zeros})
        )

    def heal(self) -> None:
        self._distorted.close()
        self.simulator.control("DELETE", "/faults")
        self.simulator.control("PUT", "/timings", _PROMPT.model_dump())


def _cost_source(simulator: RunningSimulator, clock: Clock) -> CostSource:
    """Its turnstile goes by the time of the play: else days that pass at once would be too many questions."""
    with patch.object(cost_management, "Turnstile", partial(Turnstile, clock=lambda: clock().timestamp())):
        return CostSource(ArmAccess(simulator.url, "https://management.azure.com"))


@contextmanager
def azure_at(clock: Clock) -> Iterator[Azure]:
    """Run it at the clock's time."""
    sites = [
        simulated.SiteConfig(
            name=name, slots={"production": simulated.SlotConfig(build=f"{name}-b2")}, workspace_id=WORKSPACE
        )
        for name in sorted(set(_SITES.values()))
    ]
    with simulator_at(clock, simulated.SimulatorConfig(sites=sites, timings=_PROMPT)) as running:
        azure = Azure(running, clock)
        yield azure
        azure.heal()


class MonitorGround:
    """Fulfils `Ground`."""

    def __init__(self, azure: Azure, source: Source, face: MonitorFace | None) -> None:
        self._azure = azure
        self._source = source
        self._face = face
        self._visited = True
        self._health: Mapping[str, Any] = {}
        self._broken: dict[str, bool] = {}
        azure.heal()

    def sources(self) -> Mapping[str, SampleSource]:
        return {self._source.value: self._azure.adapters[self._source]}

    def address(self, story: Story) -> Address:
        site = _SITES[story]
        return Address(self._azure.resources[site], self._azure.simulator.front_doors[site])

    def turn(self, story: Story, *, bad: bool) -> None:
        site = _SITES[story]
        if self._broken.get(site) is not bad:
            self._azure.simulator.control("PUT", f"/builds/{site}-b2/faults", {"fail_share": float(bad)})
            self._broken[site] = bad
        if self._source is Source.RESOURCE_HEALTH:
            self._tell_health(site, bad=bad)
            return
        with httpx.Client(base_url=self._azure.simulator.front_doors[site]) as visitor:
            for _ in range(_VISITS if self._visited else 0):
                visitor.get("/")

    def _tell_health(self, site: str, *, bad: bool) -> None:
        said = {"resource": self._azure.resources[site], "state": "Unavailable" if bad else "Available"}
        self._azure.simulator.control("PUT", "/resource_health", {**said, **self._health})

    def strike(self) -> None:
        assert self._face is not None
        self._health = self._face.health
        self._visited = self._face.visited
        if self._face.zeros:
            self._azure.tell_zeros()
        if self._face.fault is not None:
            self._azure.simulator.control("POST", "/faults", {"api": _APIS[self._source], **self._face.fault})
        if self._face.timings:
            self._azure.simulator.control("PUT", "/timings", dict(self._face.timings))
