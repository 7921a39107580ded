"""`MetricSource`, `LogSource` and `ProbeSource` against the simulator: samples from what was really served, and each
way in which a source can fail to say anything.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from shared.adapters.azure_clients import credential
from shared.adapters.monitor_logs import LogSource
from shared.adapters.monitor_metrics import MetricSource
from shared.adapters.outbound import Outbound
from shared.adapters.probe import HttpProber
from shared.adapters.probe_source import ProbeSource
from shared.errors import ControllerError, OutcomeUnknown, PermanentError, TransientError
from shared.model.policy import Policy
from shared.model.signal import Outcome, Sample
from shared.ports import Collected, SampleSource, Want
from tests.contract.azure.conftest import Azure

_QUERY = """\
AppRequests
| where TimeGenerated > ago(1h)
| summarize value = avg(DurationMs), ['count'] = count() by at = bin(TimeGenerated, 1m)
"""
_SOON = timedelta(minutes=1, seconds=5)


@pytest.fixture
def policy(azure: Azure) -> Policy:
    return azure.policy


@pytest.fixture(scope="module")
def metrics(running: Azure) -> MetricSource:
    return MetricSource(running.simulator.url, None)


@pytest.fixture(scope="module")
def logs(running: Azure, tmp_path_factory: pytest.TempPathFactory) -> LogSource:
    folder = tmp_path_factory.mktemp("kql")
    (folder / "p95.kql").write_text(_QUERY, encoding="utf-8")
    return LogSource(running.simulator.url, None, folder)


@pytest.fixture(scope="module")
def probes(prober: HttpProber) -> ProbeSource:
    return ProbeSource(prober, Outbound())


def collect(source: SampleSource, policy: Policy, *names: str, later: timedelta = _SOON) -> dict[str, Collected]:
    """Ask a source for signals, as of a little later: the minute that is being measured is over then."""
    now = datetime.now(UTC) + later
    wants = [Want(policy, name, policy.signals[name], now - timedelta(minutes=10)) for name in names]
    return {found.name: found for job in source.jobs(wants) for found in job.run(now)}


@contextmanager
def fresh_credential() -> Iterator[None]:
    """An identity that holds no token yet, as in a process that has just started."""
    credential.cache_clear()
    yield
    credential.cache_clear()


def measured(collected: Collected) -> list[Sample]:
    return [sample for sample in collected.samples if sample.outcome is Outcome.MEASURED]


def visit(policy: Policy, times: int) -> None:
    with httpx.Client(base_url=policy.site.url, headers={"User-Agent": "visitor/1"}) as visitor:
        for _ in range(times):
            visitor.get("/")


def test_a_metric_counts_what_was_served(metrics: MetricSource, policy: Policy, azure: Azure) -> None:
    visit(policy, 6)
    before = azure.control("GET", "/state")["requests_total"]
    counted = sum(sample.value or 0 for sample in measured(collect(metrics, policy, "requests")["requests"]))
    after = azure.control("GET", "/state")["requests_total"]
    assert 6 <= before <= counted <= after  # a request that an earlier test gave up on may end in between


def test_a_share_stands_on_the_count_of_its_base(metrics: MetricSource, policy: Policy, azure: Azure) -> None:
    azure.control("PUT", "/builds/b2/faults", {"fail_share": 1.0})
    visit(policy, 5)
    samples = measured(collect(metrics, policy, "server_error")["server_error"])
    assert samples
    assert samples[-1].count >= 5
    assert 0 < (samples[-1].value or 0) <= 1


def test_two_sites_in_one_call_get_what_is_theirs(metrics: MetricSource, azure: Azure) -> None:
    policies = [azure.policy_of("demo"), azure.policy_of("annex")]
    visit(policies[0], 3)
    visit(policies[1], 9)
    now = datetime.now(UTC) + _SOON
    wants = [Want(policy, "requests", policy.signals["requests"], now - timedelta(minutes=10)) for policy in policies]
    (job,) = metrics.jobs(wants)
    counted = {one.workload: sum(sample.value or 0 for sample in measured(one)) for one in job.run(now)}
    assert counted["annex"] == 9
    assert counted["demo"] >= 3


def test_signals_of_several_metrics_share_a_call(metrics: MetricSource, policy: Policy, azure: Azure) -> None:
    visit(policy, 3)
    before = azure.control("GET", "/state")["calls"]["metrics"]
    found = collect(metrics, policy, "requests", "server_error")
    assert azure.control("GET", "/state")["calls"]["metrics"] == before + 1
    assert all(measured(found[name]) for name in ("requests", "server_error"))


def test_a_query_answers_samples(logs: LogSource, policy: Policy) -> None:
    visit(policy, 4)
    samples = measured(collect(logs, policy, "user_p95")["user_p95"])
    assert sum(sample.count for sample in samples) >= 4
    assert all((sample.value or 0) > 0 for sample in samples)


@pytest.mark.parametrize(("source", "signal"), [("metrics", "requests"), ("logs", "user_p95")])
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "forbidden"}, PermanentError),
        ({"kind": "status", "status": 404}, PermanentError),
        ({"kind": "status", "status": 429}, TransientError),
        ({"kind": "status", "status": 503}, OutcomeUnknown),
        ({"kind": "cut_before"}, OutcomeUnknown),
    ],
    ids=str,
)
def test_a_source_that_fails_says_how(
    request: pytest.FixtureRequest,
    azure: Azure,
    policy: Policy,
    source: str,
    signal: str,
    fault: dict[str, str],
    error: type[ControllerError],
) -> None:
    azure.fault(source, **fault)
    with pytest.raises(error) as caught:
        collect(request.getfixturevalue(source), policy, signal)
    assert isinstance(caught.value, error)
    assert isinstance(caught.value, OutcomeUnknown) is (error is OutcomeUnknown)


@pytest.mark.parametrize(("source", "signal"), [("metrics", "requests"), ("logs", "user_p95")])
def test_an_empty_answer_is_no_data(
    request: pytest.FixtureRequest, azure: Azure, policy: Policy, source: str, signal: str
) -> None:
    visit(policy, 1)
    azure.fault(source, "empty")
    found = collect(request.getfixturevalue(source), policy, signal)[signal]
    assert [sample.outcome for sample in found.samples] == [Outcome.NO_DATA]


@pytest.mark.parametrize("kind", ["nan", "renamed"])
def test_a_metric_that_is_no_number_or_has_another_name_is_never_healthy(
    metrics: MetricSource, azure: Azure, policy: Policy, kind: str
) -> None:
    visit(policy, 1)
    azure.fault("metrics", kind)
    found = collect(metrics, policy, "requests")["requests"]
    assert found.samples
    assert not measured(found)


@pytest.mark.parametrize("kind", ["nan", "renamed", "partial"])
def test_a_query_answer_that_makes_no_sense_is_an_error_or_says_so(
    logs: LogSource, azure: Azure, policy: Policy, kind: str
) -> None:
    visit(policy, 1)
    azure.fault("logs", kind)
    try:
        found = collect(logs, policy, "user_p95")["user_p95"]
    except PermanentError:
        return
    assert {sample.outcome for sample in found.samples} == {Outcome.ERROR}


def test_a_query_that_is_not_there_is_a_permanent_error(azure: Azure, policy: Policy, tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match=r"there is no log query p95\.kql"):
        collect(LogSource(azure.simulator.url, None, tmp_path), policy, "user_p95")


def test_a_burst_measures_failures_and_latency_and_names_the_build(
    probes: ProbeSource, azure: Azure, policy: Policy
) -> None:
    azure.control("PUT", "/builds/b2/faults", {"fail_share": 1.0})
    found = collect(probes, policy, "error_rate", "p95", later=timedelta(0))
    assert [(sample.value, sample.count) for sample in found["error_rate"].samples] == [(1.0, 4)]
    assert (found["p95"].samples[0].value or 0) > 0
    assert {one.build_seen for one in found.values()} == {"b2"}


def test_a_burst_that_is_cut_off_is_blind_and_not_unhealthy(probes: ProbeSource, azure: Azure, policy: Policy) -> None:
    azure.fault("front_door", "cut_before")
    found = collect(probes, policy, "error_rate", later=timedelta(0))["error_rate"]
    assert [sample.outcome for sample in found.samples] == [Outcome.ERROR]
    assert found.build_seen == ""


def test_a_burst_that_is_not_answered_in_time_failed(probes: ProbeSource, azure: Azure, policy: Policy) -> None:
    hasty = policy.signals["error_rate"].model_copy(update={"timeout": timedelta(seconds=0.3)})
    azure.fault("front_door", "delay", delay_s=1.0)
    now = datetime.now(UTC)
    (job,) = probes.jobs([Want(policy, "error_rate", hasty, now)])
    (found,) = job.run(now)
    assert [(sample.outcome, sample.value) for sample in found.samples] == [(Outcome.MEASURED, 1.0)]


@pytest.mark.parametrize("status", [400, 404])
def test_without_a_token_nothing_was_asked_and_it_may_work_later(azure: Azure, policy: Policy, status: int) -> None:
    azure.fault("token", "status", status=status)
    with fresh_credential(), pytest.raises(TransientError, match=r"^reading metric Requests: no token$"):
        collect(MetricSource(azure.simulator.url, None), policy, "requests")
