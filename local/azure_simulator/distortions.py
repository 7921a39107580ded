"""Answers that come, and are wrong: empty, not-a-number, renamed, partial. Pure functions on an answer's JSON."""

import math
from collections.abc import Callable
from typing import Any

from local.azure_simulator.faults import Api, Kind

type Json = Any
type Distortion = Callable[[Json], Json]

FIGURES = ("average", "minimum", "maximum", "total", "count")
PARTIAL_ERROR = {
    "code": "PartialError",
    "message": "There were some errors when processing your query.",
    "details": [
        {
            "code": "EngineError",
            "message": "Something went wrong processing your query on the server.",
            "innererror": {
                "code": "-2133196797",
                "message": "The results of this query exceed the set limit of 64000000 bytes.",
                "severity": 2,
                "severityName": "Error",
            },
        }
    ],
}


def empty_metrics(answer: Json) -> Json:
    for metric in _metrics(answer):
        metric["timeseries"] = []
    return answer


def nan_metrics(answer: Json) -> Json:
    for metric in _metrics(answer):
        for series in metric["timeseries"]:
            series["data"] = [_nan_point(point) for point in series["data"]]
    return answer


def renamed_metrics(answer: Json) -> Json:
    for metric in _metrics(answer):
        renamed = metric["name"]["value"] + "V2"
        metric["name"] = {"value": renamed, "localizedValue": renamed}
    return answer


def _metrics(answer: Json) -> list[Json]:
    return [metric for resource in answer["values"] for metric in resource["value"]]


def _nan_point(point: dict[str, Any]) -> dict[str, Any]:
    return {name: math.nan if name in FIGURES else value for name, value in point.items()}


def empty_logs(answer: Json) -> Json:
    for table in answer["tables"]:
        table["rows"] = []
    return answer


def nan_logs(answer: Json) -> Json:
    """Log Analytics writes a real that is no number as the string "NaN"."""
    for table in answer["tables"]:
        reals = {index for index, column in enumerate(table["columns"]) if column["type"] == "real"}
        table["rows"] = [
            ["NaN" if index in reals else value for index, value in enumerate(row)] for row in table["rows"]
        ]
    return answer


def renamed_logs(answer: Json) -> Json:
    for table in answer["tables"]:
        for column in table["columns"]:
            column["name"] += "_s"
    return answer


def partial_logs(answer: Json) -> Json:
    return answer | {"error": PARTIAL_ERROR}


def empty_cost(answer: Json) -> Json:
    answer["properties"]["rows"] = []
    return answer


def nan_cost(answer: Json) -> Json:
    answer["properties"]["rows"] = [["NaN", *rest] for _, *rest in answer["properties"]["rows"]]
    return answer


def renamed_cost(answer: Json) -> Json:
    for column in answer["properties"]["columns"]:
        column["name"] += "V2"
    return answer


def partial_cost(answer: Json) -> Json:
    answer["properties"]["nextLink"] = "https://management.azure.com/next"
    return answer


def no_properties(answer: Json) -> Json:
    return answer | {"properties": {}}


def nothing_listed(answer: Json) -> Json:
    return answer | {"value": []}


def nothing(_: Json) -> Json:
    return {}


DISTORTIONS: dict[tuple[Api, Kind], Distortion] = {
    (Api.METRICS, Kind.EMPTY): empty_metrics,
    (Api.METRICS, Kind.NAN): nan_metrics,
    (Api.METRICS, Kind.RENAMED): renamed_metrics,
    (Api.LOGS, Kind.EMPTY): empty_logs,
    (Api.LOGS, Kind.NAN): nan_logs,
    (Api.LOGS, Kind.RENAMED): renamed_logs,
    (Api.LOGS, Kind.PARTIAL): partial_logs,
    (Api.COST, Kind.EMPTY): empty_cost,
    (Api.COST, Kind.NAN): nan_cost,
    (Api.COST, Kind.RENAMED): renamed_cost,
    (Api.COST, Kind.PARTIAL): partial_cost,
    (Api.RESOURCE_HEALTH, Kind.EMPTY): no_properties,
    (Api.SITE_READ, Kind.EMPTY): nothing,
    (Api.AFD_READ, Kind.EMPTY): nothing_listed,
    (Api.OPERATION, Kind.EMPTY): nothing,
    (Api.TRAFFIC_MANAGER_READ, Kind.EMPTY): nothing,
    (Api.DNS_ZONES_READ, Kind.EMPTY): nothing,
    (Api.KEY_VALUE_READ, Kind.EMPTY): nothing,
    (Api.WEB_CONFIG, Kind.EMPTY): no_properties,
    (Api.APP_SETTINGS, Kind.EMPTY): no_properties,
    (Api.SLOT_CONFIG_NAMES, Kind.EMPTY): no_properties,
}
