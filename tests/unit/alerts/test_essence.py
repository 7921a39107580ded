"""The one sentence of each kind of alert, word for word."""

from typing import Any

import pytest

from shared.model.alert import read_alert
from tests.unit.alerts.payloads import (
    RECEIVED_AT,
    Json,
    activity,
    common,
    criterion,
    log_count,
    log_search,
    metric,
)


def essence(context: Json | None, **essentials: Any) -> str:
    return read_alert(common(context, **essentials), received_at=RECEIVED_AT).essence


def dimension(name: str, value: object) -> Json:
    return {"name": name, "value": value}


MEASURES = {
    "several criteria": (
        metric(criterion(), criterion(metricName="Http4xx", operator="LessThan", threshold=100, metricValue=7)),
        "Http5xx 12 > 5 (total over 5m); Http4xx 7 < 100 (total over 5m)",
    ),
    "no value": (metric(criterion(metricValue=None)), "Http5xx without a value (threshold > 5, total over 5m)"),
    "no threshold": (metric(criterion(threshold="unknown")), "Http5xx 12 (total over 5m)"),
    "large": (metric(criterion(metricValue=1032190976.25)), "Http5xx 1,032,190,976.2 > 5 (total over 5m)"),
    "small": (metric(criterion(metricValue=0.31, threshold="0.05")), "Http5xx 0.31 > 0.05 (total over 5m)"),
    "unknown operator": (
        metric(criterion(operator="GreaterOrLessThan")),
        "Http5xx 12 (threshold GreaterOrLessThan 5, total over 5m)",
    ),
    "availability": (
        metric(criterion(metricName="Failed Location", timeAggregation="Sum", webTestName="front page")),
        "Failed Location 12 > 5 (sum over 5m, test front page)",
    ),
    "a test called None is none": (metric(criterion(webTestName="None")), "Http5xx 12 > 5 (total over 5m)"),
    "dynamic": (
        metric(criterion(alertSensitivity="Low"), window="P1DT12H"),
        "Http5xx 12 > 5 (total over 1d12h, dynamic threshold)",
    ),
    "dimensions, without ids": (
        metric(criterion(dimensions=[dimension("ResourceId", "x"), dimension("Instance", "vm-1"), dimension("n", 2)])),
        "Http5xx 12 > 5 (total over 5m, Instance=vm-1, n=2)",
    ),
    "a duration as aggregation": (metric(criterion(timeAggregation="PT5M")), "Http5xx 12 > 5 (over 5m)"),
    "log search": (log_search(), "log query count 3 > 0 (over 1h, cloud_RoleName=orders)"),
    "log search of a column": (
        log_search(metricMeasureColumn="duration", timeAggregation="Average", dimensions=[], threshold="2.5"),
        "log query average of duration 3 > 2.5 (over 1h)",
    ),
    "log count": (log_count(), "log query rows 4 > 0 (over 15m)"),
    "log count over a day": (log_count(SearchIntervalInMinutes="1440"), "log query rows 4 > 0 (over 1d)"),
    "metric measurement": (log_count(AlertType="Metric measurement"), "log query rows 4 (threshold > 0, over 15m)"),
    "log count by dimension": (
        log_count(Dimensions=[dimension("IP", "203.0.113.7")], Operator="Less Than", Threshold=10000.0),
        "log query rows 4 < 10,000 (over 15m, IP=203.0.113.7)",
    ),
}

EVENTS = {
    "operation": (activity(), "operation Microsoft.Web/sites/restart/action Succeeded"),
    "resource health": (
        activity(
            {
                "title": "Rebooted by user",
                "currentHealthStatus": "Unavailable",
                "previousHealthStatus": "Available",
                "cause": "UserInitiated",
            }
        ),
        "resource health Unavailable after Available (UserInitiated): Rebooted by user",
    ),
    "service health": (
        activity(
            {
                "title": "App Service is slow",
                "service": "App Service",
                "region": "West Europe",
                "incidentType": "Incident",
                "trackingId": "ABC1-DEF",
                "stage": "Active",
                "communication": "<p>markup</p>",
            },
            channels=1,
            level=3,
        ),
        "Incident ABC1-DEF in App Service (West Europe), stage Active: App Service is slow",
    ),
    "autoscale": (
        activity({"oldInstancesCount": "9", "newInstancesCount": 10}),
        "autoscale from 9 to 10 instances (Succeeded)",
    ),
    "recommendation": (
        activity(
            {
                "recommendationName": "Use zones",
                "recommendationCategory": "Reliability",
                "recommendationImpact": "High",
            }
        ),
        "recommendation: Use zones (Reliability, impact High)",
    ),
    "security": (
        activity({"compromisedEntity": "vm-1", "severity": "Low", "actionTaken": "Blocked"}),
        "security alert on vm-1, severity Low, Blocked",
    ),
    "smart detection": (
        {"DetectionSummary": "Dependencies are slower", "DetectedValue": "0.45 sec", "NormalValue": "0.27 sec"},
        "Dependencies are slower: 0.45 sec against a normal 0.27 sec",
    ),
    "prometheus": (
        {"labels": {}, "annotations": {"summary": "Pod is down"}, "expression": "up == 0", "expressionValue": 0},
        "Pod is down: up == 0 is 0",
    ),
}

UNTOLD = {
    "backup": {"category": "Jobs", "sourceType": "SQLDataBase"},
    "unknown": {"someField": {"a": 1}},
    "no criteria": {"conditionType": "Static Threshold", "condition": {"allOf": []}},
    "nothing": None,
}


@pytest.mark.parametrize(("context", "sentence"), [*MEASURES.values(), *EVENTS.values()], ids=[*MEASURES, *EVENTS])
def test_the_sentence_of_a_kind(context: Json, sentence: str) -> None:
    assert essence(context) == sentence


@pytest.mark.parametrize("context", UNTOLD.values(), ids=UNTOLD)
def test_a_kind_that_is_not_known_is_told_by_its_description(context: Json | None) -> None:
    assert essence(context) == "Too many errors"


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), "-Infinity", "1e999", 10**400, True, [], {}, ""])
def test_what_is_no_finite_number_is_no_value(odd: object) -> None:
    told = essence(metric(criterion(metricValue=odd)))
    assert told == "Http5xx without a value (threshold > 5, total over 5m)"


def test_without_a_description_there_is_still_a_sentence() -> None:
    assert essence({"someField": 1}, description=None) == "Platform alert without details"


def test_the_shape_decides_and_not_the_signal_type() -> None:
    assert essence(log_count(), signalType="Metric") == "log query rows 4 > 0 (over 15m)"
    assert essence(metric(), signalType=None) == "Http5xx 12 > 5 (total over 5m)"


def test_a_sentence_is_one_short_line_whatever_is_in_it() -> None:
    told = essence(None, description="first\r\nsecond \x1b[31m\u202e" + "long " * 500)
    assert told.startswith("first second [31m long long")
    assert len(told) == 300
    assert told.endswith("…")
