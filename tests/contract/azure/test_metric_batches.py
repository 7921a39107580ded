"""`MetricSource` and how many calls it takes, against a metrics API that refuses what Azure refuses."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from local.loopback import LoopbackServer, Reply, Request
from shared.adapters.monitor_metrics import MetricSource
from shared.errors import PermanentError
from shared.model.policy import Policy
from shared.model.policy_azure_signals import MetricSignal, type_of
from shared.model.quantity import Unit
from shared.model.signal import Outcome, Sample
from shared.ports import Collected, Want
from tests.contract.azure.conftest import Azure

_MINUTE = datetime(2026, 3, 1, 12, tzinfo=UTC)
_NOW = _MINUTE + timedelta(minutes=2)
_SINCE = _MINUTE - timedelta(minutes=5)
_GROUP = "/subscriptions/00000000-0000-0000-0000-0000000000aa/resourceGroups/shop/providers"
_SITES = {"Http5xx": "Count", "Requests": "Count", "HttpResponseTime": "Seconds", "CpuTime": "Seconds"}
_METRICS = {
    "microsoft.web/sites": _SITES | {f"Extra{number}": "Count" for number in range(30)},
    "microsoft.web/serverfarms": {"CpuPercentage": "Percent", "MemoryPercentage": "Percent"},
    "microsoft.sql/servers/databases": {"dtu_consumption_percent": "Percent", "storage_percent": "Percent"},
    "microsoft.dbforpostgresql/flexibleservers": {"cpu_percent": "Percent", "active_connections": "Count"},
}


class Batches(LoopbackServer):
    """Tells 1.0 for every metric that it knows; a call is of one type, at most 50 resources and 20 metrics."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        self.resources: list[list[str]] = []
        self.gone: set[str] = set()
        self.series = 1

    def reply(self, request: Request) -> Reply:
        query = {name: ",".join(values) for name, values in parse_qs(urlsplit(request.path).query).items()}
        resources = [str(one) for one in json.loads(request.body)["resourceids"]]
        self.asked.append(query)
        self.resources.append(resources)
        names, namespace = query["metricnames"].split(","), query["metricnamespace"].casefold()
        if refusal := self._refusal(resources, names, namespace):
            return _json({"error": {"code": "BadRequest", "message": refusal}}, 400)
        return _json({"values": [self._result(one, names, _METRICS[namespace], query) for one in resources]})

    def _refusal(self, resources: list[str], names: list[str], namespace: str) -> str:
        if len(resources) > 50 or len(names) > 20:
            return "too much at once"
        if any(type_of(one) != namespace or one in self.gone for one in resources):
            return "a resource is of another type, or gone"
        return "" if all(name in _METRICS[namespace] for name in names) else "a metric is not known"

    def _result(self, resource: str, names: list[str], units: dict[str, str], query: dict[str, str]) -> Any:
        point = {"timeStamp": _MINUTE.isoformat()} | dict.fromkeys(query["aggregation"].split(","), 1.0)
        return {
            "starttime": "s",
            "endtime": "e",
            "interval": "PT1M",
            "value": [
                {
                    "id": f"{resource}/providers/Microsoft.Insights/metrics/{name}",
                    "type": "Microsoft.Insights/metrics",
                    "name": {"value": name},
                    "unit": units[name],
                    "timeseries": [{"metadatavalues": [], "data": [point]}] * self.series,
                }
                for name in names
            ],
        }


def _json(body: Any, status: int = 200) -> Reply:
    return Reply(status=status, headers={"Content-Type": "application/json"}, body=json.dumps(body).encode())


@pytest.fixture
def batches(azure: Azure) -> Iterator[Batches]:
    """Its tokens are those of the simulator, which `azure` stands for."""
    assert azure
    with Batches() as server:
        yield server


@pytest.fixture
def source(batches: Batches) -> MetricSource:
    return MetricSource(batches.url, None)


@pytest.fixture
def policy(azure: Azure) -> Policy:
    return azure.policy


def of_site(policy: Policy, name: str) -> Policy:
    site = policy.site.model_copy(update={"resource": f"{_GROUP}/Microsoft.Web/sites/{name}"})
    return policy.model_copy(update={"workload": name, "site": site})


def want(policy: Policy, metric: str, **more: Any) -> Want:
    """Not checked as one of a policy is: what stands there is what is asked."""
    signal = MetricSignal(metric=metric).model_copy(update=more | {"unit": Unit(more.get("unit", "number"))})
    return Want(policy, metric, signal, _SINCE)


def collect(source: MetricSource, wants: Sequence[Want]) -> dict[tuple[str, str], Sample]:
    found: list[Collected] = [one for job in source.jobs(wants) for one in job.run(_NOW)]
    assert len(found) == len(wants)
    return {(one.workload, one.name): one.samples[-1] for one in found}


def outcomes(found: dict[tuple[str, str], Sample]) -> dict[Outcome, int]:
    told = [sample.outcome for sample in found.values()]
    return {outcome: told.count(outcome) for outcome in set(told)}


def test_120_workloads_with_3_metrics_take_3_calls(batches: Batches, source: MetricSource, policy: Policy) -> None:
    policies = [of_site(policy, f"site-{number:03}") for number in range(120)]
    wants = [
        each
        for one in policies
        for each in (
            want(one, "Http5xx", per="Requests"),
            want(one, "Requests"),
            want(one, "HttpResponseTime", aggregation="average", unit="s"),
        )
    ]
    found = collect(source, wants)
    assert outcomes(found) == {Outcome.MEASURED: 360}
    assert [len(resources) for resources in batches.resources] == [50, 50, 20]
    assert {asked["metricnames"] for asked in batches.asked} == {"Http5xx,HttpResponseTime,Requests"}
    assert {asked["aggregation"] for asked in batches.asked} == {"average,total"}
    assert found["site-007", "HttpResponseTime"].value == 1000.0


def test_every_type_of_resource_has_its_own_call_and_what_many_share_is_read_once(
    batches: Batches, source: MetricSource, policy: Policy
) -> None:
    plan, sql = f"{_GROUP}/Microsoft.Web/serverfarms/b1", f"{_GROUP}/Microsoft.Sql/servers/s/databases/orders"
    server = f"{_GROUP}/Microsoft.DBforPostgreSQL/flexibleServers/pg"
    wants = [
        each
        for one in (of_site(policy, "a"), of_site(policy, "b"))
        for each in (
            want(one, "CpuPercentage", resource=plan, aggregation="average", unit="percent"),
            want(one, "MemoryPercentage", resource=plan.replace("b1", "B1"), aggregation="average", unit="percent"),
            want(one, "dtu_consumption_percent", resource=sql, aggregation="maximum", unit="percent"),
            want(one, "active_connections", resource=server, aggregation="maximum"),
        )
    ]
    found = collect(source, wants)
    assert outcomes(found) == {Outcome.MEASURED: 8}
    asked = {query["metricnamespace"]: query["metricnames"] for query in batches.asked}
    assert asked == {
        "microsoft.web/serverfarms": "CpuPercentage,MemoryPercentage",
        "microsoft.sql/servers/databases": "dtu_consumption_percent",
        "microsoft.dbforpostgresql/flexibleservers": "active_connections",
    }
    assert [len(resources) for resources in batches.resources] == [1, 1, 1]
    assert found["a", "CpuPercentage"].value == 0.01


def test_other_regions_and_subscriptions_are_asked_by_themselves(source: MetricSource, policy: Policy) -> None:
    plan = f"{_GROUP}/Microsoft.Web/serverfarms/b1"
    wants = [
        want(policy, "CpuPercentage", resource=plan),
        want(policy, "CpuPercentage", resource=plan, region="northeurope"),
        want(policy, "CpuPercentage", resource=plan.replace("aa/", "cc/")),
    ]
    assert len(source.jobs(wants)) == 3


def test_the_region_of_a_resource_is_where_it_is_asked(azure: Azure, policy: Policy) -> None:
    source = MetricSource("http://127.0.0.1:9/{region}", None)
    (job,) = source.jobs([want(policy, "Requests", region="northeurope")])
    assert azure
    with pytest.raises(Exception, match="no connection"):
        job.run(_NOW)
    assert list(source._clients._built) == ["northeurope"]


def test_more_than_20_metrics_are_two_calls(batches: Batches, source: MetricSource, policy: Policy) -> None:
    found = collect(source, [want(policy, f"Extra{number}") for number in range(30)])
    assert outcomes(found) == {Outcome.MEASURED: 30}
    assert sorted(len(asked["metricnames"].split(",")) for asked in batches.asked) == [10, 20]


def test_who_has_much_to_catch_up_on_does_so_alone_and_no_further_than_samples_are_kept(
    batches: Batches, source: MetricSource, policy: Policy
) -> None:
    late = replace(want(of_site(policy, "late"), "Requests"), since=_NOW - timedelta(days=30))
    collect(source, [want(of_site(policy, "a"), "Requests"), want(of_site(policy, "b"), "Requests"), late])
    begun = {
        len(resources): asked["starttime"] for resources, asked in zip(batches.resources, batches.asked, strict=True)
    }
    assert datetime.fromisoformat(begun[2]) == _SINCE
    assert datetime.fromisoformat(begun[1]) == _NOW - timedelta(minutes=2000)


def test_dimensions_are_filtered_added_up_and_quoted(batches: Batches, source: MetricSource, policy: Policy) -> None:
    where = {"Instance": ("wn0", "it's"), "Status": "500"}
    found = collect(source, [want(policy, "Requests", where=where), want(of_site(policy, "b"), "Requests")])
    assert outcomes(found) == {Outcome.MEASURED: 2}
    filtered, plain = sorted(batches.asked, key=len, reverse=True)
    assert filtered["filter"] == "(Instance eq 'wn0' or Instance eq 'it''s') and Status eq '500'"
    assert (filtered["rollupby"], filtered["top"]) == ("Instance,Status", "1000")
    assert "filter" not in plain


def test_more_than_one_series_is_an_error_and_not_the_first_of_them(
    batches: Batches, source: MetricSource, policy: Policy
) -> None:
    batches.series = 2
    (sample,) = collect(source, [want(policy, "Requests")]).values()
    assert (sample.outcome, sample.note) == (Outcome.ERROR, "Azure Monitor told Requests in 2 series; expected one")


@pytest.mark.parametrize(
    ("unit", "outcome"),
    [("s", Outcome.MEASURED), ("number", Outcome.MEASURED), ("ms", Outcome.ERROR), ("percent", Outcome.ERROR)],
)
def test_a_unit_that_is_not_azures_is_an_error_and_not_a_thousandth(
    batches: Batches, source: MetricSource, policy: Policy, unit: str, outcome: Outcome
) -> None:
    assert batches
    (sample,) = collect(source, [want(policy, "HttpResponseTime", unit=unit)]).values()
    assert sample.outcome is outcome


def _fifty(policy: Policy) -> list[Want]:
    return [want(of_site(policy, f"site-{number:02}"), "Requests") for number in range(50)]


def test_one_resource_that_is_gone_blinds_nobody_else_and_is_asked_alone_then(
    batches: Batches, source: MetricSource, policy: Policy
) -> None:
    batches.gone = {f"{_GROUP}/Microsoft.Web/sites/site-31"}
    found = collect(source, _fifty(policy))
    assert [name for (name, _), sample in found.items() if sample.outcome is not Outcome.MEASURED] == ["site-31"]
    assert found["site-31", "Requests"].outcome is Outcome.ERROR
    assert "400 BadRequest" in found["site-31", "Requests"].note
    assert len(batches.asked) <= 16
    batches.asked.clear()
    jobs = source.jobs(_fifty(policy))
    assert sorted(len(job.wants) for job in jobs) == [1, 49]
    with pytest.raises(PermanentError, match=r"^reading metric Requests: 400 BadRequest$"):
        next(job for job in jobs if len(job.wants) == 1).run(_NOW)


def test_one_that_is_there_again_is_asked_with_the_others_again(
    batches: Batches, source: MetricSource, policy: Policy
) -> None:
    batches.gone = {f"{_GROUP}/Microsoft.Web/sites/site-31"}
    collect(source, _fifty(policy))
    batches.gone = set()
    assert outcomes(collect(source, _fifty(policy))) == {Outcome.MEASURED: 50}
    assert len(source.jobs(_fifty(policy))) == 1


def test_a_misspelt_metric_of_all_workloads_costs_a_bounded_number_of_calls_and_blinds_no_other_metric(
    batches: Batches, source: MetricSource, policy: Policy
) -> None:
    wants = [each for one in _fifty(policy) for each in (one, want(one.policy, "Request"))]
    found = collect(source, wants)
    assert {name for (_, name), sample in found.items() if sample.outcome is Outcome.MEASURED} == {"Requests"}
    assert outcomes(found) == {Outcome.MEASURED: 50, Outcome.ERROR: 50}
    assert len(batches.asked) <= 16
