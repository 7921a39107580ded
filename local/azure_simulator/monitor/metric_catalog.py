"""The platform metrics that exist here: name, unit, and how a point is made of what was served.

https://learn.microsoft.com/azure/azure-monitor/reference/supported-metrics/microsoft-web-sites-metrics
"""

from collections.abc import Callable
from dataclasses import dataclass

from local.azure_simulator.request_log import Tally


@dataclass(frozen=True, slots=True)
class Point:
    """One value of a metric; every aggregation of it."""

    total: float
    count: float
    minimum: float
    maximum: float

    def aggregate(self, name: str) -> float:
        return self.total / self.count if name == "average" else float(getattr(self, name))


@dataclass(frozen=True, slots=True)
class RequestMetric:
    unit: str
    point: Callable[[Tally], Point]


def _share_metric(family: str) -> RequestMetric:
    """Each request is a sample of 1 where it belongs to the family of statuses, else of 0."""

    def point(tally: Tally) -> Point:
        matching = float(getattr(tally, family))
        return Point(matching, tally.requests, float(matching == tally.requests), float(matching > 0))

    return RequestMetric("Count", point)


def _response_time(tally: Tally) -> Point:
    return Point(tally.duration_sum_s, tally.requests, tally.duration_min_s, tally.duration_max_s)


SITE_METRICS: dict[str, RequestMetric] = {
    "Requests": _share_metric("requests"),
    "Http2xx": _share_metric("http2xx"),
    "Http3xx": _share_metric("http3xx"),
    "Http4xx": _share_metric("http4xx"),
    "Http5xx": _share_metric("http5xx"),
    "HttpResponseTime": RequestMetric("Seconds", _response_time),
    "AverageResponseTime": RequestMetric("Seconds", _response_time),
}
PLAN_METRICS: dict[str, str] = {
    "CpuPercentage": "cpu_percentage",
    "MemoryPercentage": "memory_percentage",
}
AGGREGATIONS = ("average", "minimum", "maximum", "total", "count")
