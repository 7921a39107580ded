"""What a workload measured over a range of time."""

from typing import Any

from shared.app import app
from shared.functions.answers import MetricsAnswer
from shared.functions.call import Call
from shared.functions.operations import READERS, operation
from shared.functions.queries import MetricsQuery


@operation("GET", "workloads/{name}/metrics", roles=READERS, answer=MetricsAnswer)
def show_metrics(call: Call[None, MetricsQuery]) -> dict[str, Any]:
    """What a workload measured over a range: newest values, points for charts, what fired, insights, status."""
    return app().metrics.of(call.params["name"], call.query.range)
