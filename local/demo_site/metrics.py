"""What the site counts of itself, as Prometheus scrapes it at `/metrics`.

https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator

ROUTE = "/metrics"
CONTENT_TYPE = "text/plain; version=0.0.4"
_BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
# What has two ends; both are there from the beginning, so that a rate of zero is a rate.
_ENDS = ("success", "failure")
_TRIED = ("database_connections_total", "auth_attempts_total", "ai_queries_total")


class Metrics:
    """The counters of one build."""

    def __init__(self) -> None:
        self._requests: Counter[int] = Counter({200: 0})
        self._buckets = [0] * (len(_BOUNDS_S) + 1)
        self._took_s = 0.0
        self._tried = {name: dict.fromkeys(_ENDS, 0) for name in _TRIED}

    def answered(self, method: str, path: str, status: int, took_s: float, *, database: bool) -> None:
        """Count one request; `database` tells whether the database could be reached meanwhile."""
        self._requests[status] += 1
        self._buckets[bisect_left(_BOUNDS_S, took_s)] += 1
        self._took_s += took_s
        self._try("database_connections_total", good=database)
        if (method, path) == ("POST", "/login"):
            self._try("auth_attempts_total", good=status == 200)
        if (method, path) == ("POST", "/ask"):
            self._try("ai_queries_total", good=status == 200)

    def _try(self, name: str, *, good: bool) -> None:
        self._tried[name]["success" if good else "failure"] += 1

    def text(self, sync_lag_s: float) -> str:
        return "\n".join([*self._lines(sync_lag_s), ""])

    def _lines(self, sync_lag_s: float) -> Iterator[str]:
        yield "# TYPE http_requests_total counter"
        for status, count in sorted(self._requests.items()):
            yield f'http_requests_total{{status="{status}"}} {count}'
        yield "# TYPE http_request_duration_seconds histogram"
        below = 0
        for bound, count in zip((*map(str, _BOUNDS_S), "+Inf"), self._buckets, strict=True):
            below += count
            yield f'http_request_duration_seconds_bucket{{le="{bound}"}} {below}'
        yield f"http_request_duration_seconds_sum {self._took_s:.6f}"
        yield f"http_request_duration_seconds_count {below}"
        for name, ends in self._tried.items():
            yield f"# TYPE {name} counter"
            for end, count in ends.items():
                yield f'{name}{{result="{end}"}} {count}'
        yield "# TYPE migration_sync_lag_seconds gauge"
        yield f"migration_sync_lag_seconds {sync_lag_s}"
