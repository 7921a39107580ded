"""`POST /subscriptions/{sub}/metrics:getBatch`: the metrics data plane that azure-monitor-querymetrics speaks to.

https://learn.microsoft.com/rest/api/monitor/metrics-batch/batch. A point without data carries its time only, as
the platform answers; what is younger than `metrics_delay_s` is not there yet.
"""

import math
import re
import time
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from local.azure_simulator.api import Audience, Call, Route
from local.azure_simulator.arm.errors import arm_error
from local.azure_simulator.faults import Api
from local.azure_simulator.monitor.metric_series import MetricSeries, find_series
from local.azure_simulator.monitor.metrics_query import (
    BadMetricsRequestError,
    MetricsQuery,
    parse_query,
    refuse_mixed,
)
from local.azure_simulator.simulation import Simulation


async def get_batch(call: Call) -> web.Response:
    simulation = call.simulation
    now_s = time.time() if call.as_of_s is None else call.as_of_s
    visible_until_s = now_s - simulation.timings.metrics_delay_s
    try:
        query = parse_query(call.request.query, call.body, allow_fine_grain=simulation.config.allow_fine_grain)
        refuse_mixed(query.namespace, query.resource_ids, call.parameters["subscription"])
        values = [
            answer_resource(simulation, query, resource_id, visible_until_s) for resource_id in query.resource_ids
        ]
    except BadMetricsRequestError as refused:
        return arm_error(400, "BadRequest", str(refused))
    return web.json_response({"values": values})


def answer_resource(
    simulation: Simulation, query: MetricsQuery, resource_id: str, visible_until_s: float
) -> dict[str, Any]:
    series = [find_series(simulation, resource_id, name) for name in query.names]
    return {
        "starttime": query.start.isoformat(),
        "endtime": query.end.isoformat(),
        "interval": query.interval,
        "cost": len(query.names),
        "namespace": query.namespace,
        "resourceregion": simulation.config.location,
        "resourceid": resource_id,
        "value": [answer_metric(query, each, visible_until_s) for each in series],
    }


def answer_metric(query: MetricsQuery, series: MetricSeries, visible_until_s: float) -> dict[str, Any]:
    first_s = int(query.start.timestamp()) // query.interval_s * query.interval_s
    starts_s = range(first_s, math.ceil(query.end.timestamp()), query.interval_s)
    data = [answer_point(query, series, start_s, visible_until_s) for start_s in starts_s]
    return {
        "id": f"{series.resource_id}/providers/Microsoft.Insights/metrics/{series.name}",
        "type": "Microsoft.Insights/metrics",
        "name": {"value": series.name, "localizedValue": series.name},
        "displayDescription": series.name,
        "unit": series.unit,
        "timeseries": [{"metadatavalues": [], "data": data}],
        "errorCode": "Success",
    }


def answer_point(query: MetricsQuery, series: MetricSeries, start_s: int, visible_until_s: float) -> dict[str, Any]:
    moment = datetime.fromtimestamp(start_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    end_s = min(start_s + query.interval_s, visible_until_s)
    point = series.point(start_s, end_s) if end_s > start_s else None
    figures = {name: point.aggregate(name) for name in query.aggregations} if point else {}
    return {"timeStamp": moment, **figures}


METRICS_ROUTES = [
    Route(
        "POST",
        re.compile(r"/subscriptions/(?P<subscription>[^/]+)/metrics:getBatch", re.IGNORECASE),
        get_batch,
        Api.METRICS,
        Audience.METRICS,
        "Microsoft.Insights/metrics/read",
    )
]
