"""Metrics through azure-monitor-querymetrics: equal to what was served, late when they are late, never made up."""

import math
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from azure.core.exceptions import HttpResponseError
from azure.mgmt.web.models import RampUpRule
from azure.monitor.querymetrics import MetricValue

from tests.functional.simulator.conftest import Azure

AGGREGATIONS = ["average", "minimum", "maximum", "total", "count"]


@pytest.fixture
def site_id(azure: Azure) -> str:
    resource_id: str = azure.state()["resource_id"]
    return resource_id


def query(azure: Azure, resource_id: str, names: list[str], **options: Any) -> dict[str, list[MetricValue]]:
    """The points of each metric over the last hour, or over `timespan`."""
    asked: dict[str, Any] = {
        "metric_namespace": "microsoft.web/sites",
        "timespan": timedelta(hours=1),
        "granularity": timedelta(minutes=1),
        "aggregations": AGGREGATIONS,
    }
    [result] = azure.metrics.query_resources(
        resource_ids=[resource_id],
        metric_names=names,
        **(asked | options),
    )
    return {metric.name: [point for series in metric.timeseries for point in series.data] for metric in result.metrics}


def total(points: list[MetricValue]) -> float:
    return sum(point.total for point in points if point.total is not None)


def visit(azure: Azure, times: int) -> list[int]:
    with azure.site() as visitor:
        return [visitor.get("/").status_code for _ in range(times)]


def fine_points(azure: Azure, site_id: str, names: list[str]) -> dict[str, list[MetricValue]]:
    return query(azure, site_id, names, timespan=timedelta(seconds=60), granularity=timedelta(seconds=10))


def test_counts_equal_what_was_served(azure: Azure, site_id: str) -> None:
    names = ["Requests", "Http2xx", "Http5xx"]
    before = {name: total(points) for name, points in query(azure, site_id, names).items()}
    azure.control("PUT", "/builds/b2/faults", {"fail_share": 0.5, "seed": 7})
    statuses = visit(azure, 40)
    after = {name: total(points) for name, points in query(azure, site_id, names).items()}
    grown = {name: after[name] - before[name] for name in names}
    assert grown == {"Requests": 40, "Http2xx": statuses.count(200), "Http5xx": statuses.count(500)}
    assert 0 < statuses.count(500) < 40


def test_response_times_are_seconds(azure: Azure, site_id: str) -> None:
    before = total(query(azure, site_id, ["HttpResponseTime"])["HttpResponseTime"])
    azure.control("PUT", "/builds/b2/faults", {"delay_ms": 120})
    visit(azure, 3)
    points = query(azure, site_id, ["HttpResponseTime"])["HttpResponseTime"]
    assert 0.36 <= total(points) - before < 2.0
    assert all(point.average == point.total / point.count for point in points if point.count and point.total)


def test_a_minute_without_traffic_is_missing_and_not_zero(azure: Azure, site_id: str) -> None:
    long_ago = (datetime.now(UTC) - timedelta(hours=3), timedelta(minutes=3))
    points = query(azure, site_id, ["Requests"], timespan=long_ago)["Requests"]
    assert len(points) >= 3
    assert all(point.total is None and point.count is None for point in points)


def test_what_is_younger_than_the_delay_is_not_there_yet(azure: Azure, site_id: str) -> None:
    before = total(query(azure, site_id, ["Requests"])["Requests"])
    azure.control("PUT", "/timings", {"metrics_delay_s": 600})
    visit(azure, 2)
    hidden = query(azure, site_id, ["Requests"])["Requests"]
    assert all(point.total is None for point in hidden)
    azure.control("PUT", "/timings", {"metrics_delay_s": 0})
    assert total(query(azure, site_id, ["Requests"])["Requests"]) - before == 2


def test_a_slot_has_its_own_metrics(azure: Azure, site_id: str) -> None:
    slot_id = f"{site_id}/slots/last-good"
    azure.route(RampUpRule(name="last-good", reroute_percentage=0.0))
    before = total(query(azure, slot_id, ["Requests"])["Requests"])
    with azure.site() as visitor:
        visitor.get("/?x-ms-routing-name=last-good")
    assert total(query(azure, slot_id, ["Requests"])["Requests"]) - before == 1


def test_plan_metrics_follow_the_control(azure: Azure, site_id: str) -> None:
    plan_id = site_id.replace("sites/demo", "serverfarms/demo-plan")
    azure.control("PUT", "/plan", {"cpu_percentage": 97, "memory_percentage": 91})
    names = ["CpuPercentage", "MemoryPercentage"]
    points = query(azure, plan_id, names, metric_namespace="microsoft.web/serverfarms")
    assert points["CpuPercentage"][-1].average == 97
    assert points["MemoryPercentage"][-1].maximum == 91
    azure.control("PUT", "/plan", {"cpu_percentage": 35, "memory_percentage": 60})


def test_a_database_tells_what_it_was_given_and_nothing_else(azure: Azure, site_id: str) -> None:
    database = site_id.replace("Microsoft.Web/sites/demo", "Microsoft.Sql/servers/s/databases/orders")
    azure.control("PUT", "/metrics", {"resource": database, "metrics": {"cpu_percent": 12.5}})
    names = ["cpu_percent", "log_write_percent"]
    points = query(azure, database, names, metric_namespace="Microsoft.Sql/servers/databases")
    assert points["cpu_percent"][-1].average == 12.5
    assert all(point.average is None for point in points["log_write_percent"])


def test_a_stale_source_answers_as_of_the_fault(azure: Azure, site_id: str) -> None:
    azure.set_fault("metrics", "stale")
    time.sleep(1.1)
    before = total(query(azure, site_id, ["Requests"])["Requests"])
    visit(azure, 1)
    assert total(query(azure, site_id, ["Requests"])["Requests"]) == before


def test_answers_that_are_no_use(azure: Azure, site_id: str) -> None:
    visit(azure, 1)
    azure.set_fault("metrics", "empty", times=1)
    assert query(azure, site_id, ["Requests"]) == {"Requests": []}
    azure.set_fault("metrics", "renamed", times=1)
    assert list(query(azure, site_id, ["Requests"])) == ["RequestsV2"]
    azure.set_fault("metrics", "nan", times=1)
    values = [point.total for point in query(azure, site_id, ["Requests"])["Requests"] if point.total is not None]
    assert values
    assert all(math.isnan(value) for value in values)


def refusals(site_id: str) -> Iterator[tuple[dict[str, Any], str]]:
    yield {"metric_names": ["Nonsense"]}, "Failed to find metric configuration"
    yield {"granularity": timedelta(seconds=30)}, "Detected invalid time grain"
    yield {"aggregations": ["median"]}, "Unknown aggregation"
    yield {"resource_ids": [site_id] * 51}, "1 to 50 resource ids"
    yield {"resource_ids": [site_id + "x"]}, "was not found"
    yield {"metric_names": ["Requests"] * 21}, "1 to 20 metrics"
    yield {"metric_namespace": "microsoft.web/serverfarms"}, "not of the type 'microsoft.web/serverfarms'"
    yield {"resource_ids": [site_id, "/subscriptions/other/resourceGroups/g/providers/a/b/c"]}, "not in the subscr"


def test_bad_queries_are_refused_with_a_sentence(azure: Azure, site_id: str) -> None:
    good = {"resource_ids": [site_id], "metric_namespace": "microsoft.web/sites", "metric_names": ["Requests"]}
    for bad, sentence in refusals(site_id):
        with pytest.raises(HttpResponseError, match=sentence):
            azure.metrics.query_resources(**(good | bad))


def test_several_resources_in_one_call(azure: Azure, site_id: str) -> None:
    ids = [site_id, f"{site_id}/slots/last-good"]
    results = azure.metrics.query_resources(
        resource_ids=ids, metric_namespace="microsoft.web/sites", metric_names=["Http2xx", "Http5xx"]
    )
    assert [[metric.name for metric in result.metrics] for result in results] == [["Http2xx", "Http5xx"]] * 2


def test_ten_seconds_are_only_for_simulators_that_allow_it(azure: Azure, site_id: str) -> None:
    visit(azure, 1)
    assert total(fine_points(azure, site_id, ["Requests"])["Requests"]) >= 1


def test_metrics_want_their_own_audience(azure: Azure) -> None:
    token = azure.credential.get_token("https://management.azure.com/.default").token
    answer = httpx.post(
        f"{azure.simulator.url}/subscriptions/x/metrics:getBatch", headers={"Authorization": f"Bearer {token}"}
    )
    assert answer.status_code == 401
