"""Alerts as Azure Monitor posts them, one builder per shape, with ids that were made up."""

from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]

SUBSCRIPTION = "11111111-2222-3333-4444-555555555555"
SITE_ID = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-orders/providers/Microsoft.Web/sites/orders"
TARGET = SITE_ID.lower()
ALERT_ID = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.AlertsManagement/alerts/a1"
FIRED_AT = datetime(2024, 5, 1, 12, 0, 30, 123456, tzinfo=UTC)
RESOLVED_AT = datetime(2024, 5, 1, 12, 9, tzinfo=UTC)
RECEIVED_AT = datetime(2024, 5, 1, 12, 1, tzinfo=UTC)
RULE_ID = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/microsoft.insights/metricAlerts/orders%20errors"


def common(context: Json | None = None, *, custom: Json | None = None, **essentials: Any) -> Json:
    """The common alert schema around a context; keyword arguments replace essentials."""
    given: Json = {
        "alertId": ALERT_ID,
        "alertRule": "orders errors",
        "severity": "Sev1",
        "signalType": "Metric",
        "monitorCondition": "Fired",
        "monitoringService": "Platform",
        "alertTargetIDs": [SITE_ID],
        "configurationItems": ["orders"],
        "originAlertId": "origin-1",
        "firedDateTime": "2024-05-01T12:00:30.1234567Z",
        "description": "Too many errors",
        "essentialsVersion": "1.0",
        "alertContextVersion": "1.0",
    }
    data: Json = {"essentials": given | essentials, "alertContext": context or {}}
    if custom is not None:
        data["customProperties"] = custom
    return {"schemaId": "azureMonitorCommonAlertSchema", "data": data}


def criterion(**changes: Any) -> Json:
    """One criterion of a metric alert: 12 server errors where 5 are allowed."""
    return {
        "metricName": "Http5xx",
        "metricNamespace": "Microsoft.Web/sites",
        "operator": "GreaterThan",
        "threshold": "5",
        "timeAggregation": "Total",
        "dimensions": [],
        "metricValue": 12.0,
        "webTestName": None,
    } | changes


def metric(*criteria: Json, window: str = "PT5M") -> Json:
    """The context of a metric alert."""
    return {
        "properties": None,
        "conditionType": "SingleResourceMultipleMetricCriteria",
        "condition": {
            "windowSize": window,
            "allOf": list(criteria) or [criterion()],
            "windowStartTime": "2024-05-01T11:55:00Z",
            "windowEndTime": "2024-05-01T12:00:00Z",
        },
    }


def log_search(**changes: Any) -> Json:
    """The context of a log search alert of today."""
    found = {
        "searchQuery": "requests\n| where success == false",
        "metricMeasureColumn": None,
        "targetResourceTypes": "['microsoft.insights/components']",
        "operator": "GreaterThan",
        "threshold": "0",
        "timeAggregation": "Count",
        "dimensions": [{"name": "cloud_RoleName", "value": "orders"}],
        "metricValue": 3.0,
        "failingPeriods": {"numberOfEvaluationPeriods": 1, "minFailingPeriodsToAlert": 1},
        "linkToSearchResultsUI": "https://portal.azure.com/#search",
    }
    return {
        "properties": {"team": "orders"},
        "conditionType": "LogQueryCriteria",
        "condition": {"windowSize": "PT1H", "allOf": [found | changes]},
    }


def log_count(**changes: Any) -> Json:
    """The context of a log alert of the old kind."""
    return {
        "SearchQuery": "exceptions | project timestamp",
        "SearchIntervalStartTimeUtc": "5/1/2024 11:45:00 AM",
        "SearchIntervalEndtimeUtc": "5/1/2024 12:00:00 PM",
        "ResultCount": 4,
        "SearchIntervalInMinutes": "15",
        "Threshold": 0,
        "Operator": "Greater Than",
        "AlertType": "Number of results",
        "SearchResults": {"tables": [{"name": "PrimaryResult", "columns": [], "rows": []}]},
    } | changes


def activity(properties: Json | None = None, **changes: Any) -> Json:
    """The context of an activity log alert."""
    return {
        "channels": "Operation",
        "claims": "{}",
        "correlationId": "c-1",
        "eventSource": "Administrative",
        "eventTimestamp": "2024-05-01T12:00:00.5+00:00",
        "eventDataId": "e-1",
        "level": "Informational",
        "operationName": "Microsoft.Web/sites/restart/action",
        "properties": properties,
        "status": "Succeeded",
    } | changes


def budget() -> Json:
    """The context of a budget alert, which has neither rule nor signal."""
    return {
        "AlertCategory": "budgets",
        "AlertData": {
            "BudgetName": "orders-month",
            "Unit": "EUR",
            "SpentAmount": "€1,120.00",
            "BudgetThreshold": "€1,000.00",
            "NotificationThresholdAmount": "€800.00",
        },
    }


def legacy_metric(status: str = "Activated", **context: Any) -> Json:
    """A metric alert without the common schema."""
    given: Json = {
        "timestamp": "2024-05-01T12:00:30.1234567Z",
        "id": RULE_ID,
        "name": "orders errors",
        "description": "",
        "conditionType": "SingleResourceMultipleMetricCriteria",
        "severity": "2",
        "condition": metric()["condition"],
        "resourceId": SITE_ID,
    }
    data = {"version": "2.0", "properties": {"team": "orders"}, "status": status, "context": given | context}
    return {"schemaId": "AzureMonitorMetricAlert", "data": data}


def classic_metric() -> Json:
    """The oldest kind: no schema id, no data, one condition written in place, a window in minutes."""
    condition = {
        "metricName": "Requests",
        "metricUnit": "Count",
        "metricValue": "1240",
        "threshold": "1000",
        "windowSize": "15",
        "timeAggregation": "Average",
        "operator": "GreaterThanOrEqual",
    }
    body: Json = legacy_metric(condition=condition)["data"]
    return body | {"properties": {"team": "orders", "nested": {"a": 1}}}


def legacy_log() -> Json:
    """A log alert without the common schema: flat, and nothing that names the schema."""
    return {
        "SubscriptionId": SUBSCRIPTION,
        "WorkspaceId": "w-1",
        "AlertRuleName": "orders errors",
        "SearchQuery": "search *",
        "SearchResult": {"tables": []},
        "SearchIntervalStartTimeUtc": "2024-05-01T11:00:00Z",
        "SearchIntervalEndtimeUtc": "2024-05-01T12:00:00",
        "AlertThresholdOperator": "Greater Than",
        "AlertThresholdValue": 0,
        "ResultCount": 2,
        "SearchIntervalInSeconds": 3600,
        "Description": None,
        "Severity": "Warning",
    }


def legacy_activity(**changes: Any) -> Json:
    """An activity log alert without the common schema."""
    event = activity(resourceId=SITE_ID, description="", **changes)
    data = {"status": "Activated", "context": {"activityLog": event}, "properties": {"team": "orders"}}
    return {"schemaId": "Microsoft.Insights/activityLogs", "data": data}


def legacy_budget(**changes: Any) -> Json:
    """A budget notification without the common schema, and without any time."""
    data = {
        "SubscriptionId": SUBSCRIPTION,
        "SpendingAmount": "100",
        "BudgetStartDate": "5/1/2024",
        "Budget": "120",
        "Unit": "EUR",
        "BudgetName": "orders-month",
        "NotificationThresholdAmount": "0.8",
    }
    return {"schemaId": "AIP Budget Notification", "data": data | changes}


EVERY_SHAPE: dict[str, Json] = {
    "metric": common(metric()),
    "two criteria": common(metric(criterion(), criterion(metricName="Http4xx", metricValue=None))),
    "log search": common(log_search(), custom={"owner": "ops"}),
    "log count": common(log_count()),
    "activity": common(activity({"title": "x"})),
    "resource health": common(activity({"currentHealthStatus": "Unavailable", "previousHealthStatus": "Available"})),
    "service health": common(activity({"trackingId": "T-1", "incidentType": "Incident"}, channels=1, level=3)),
    "budget": common(budget(), alertRule=None, severity=None, signalType=None, alertTargetIDs=None),
    "smart": common({"DetectionSummary": "slower", "DetectedValue": "0.45 sec", "NormalValue": "0.27 sec"}),
    "prometheus": common({"labels": {"pod": "p"}, "annotations": {"summary": "s"}, "expression": "up == 0"}),
    "unknown": common({"someField": 1}),
    "legacy metric": legacy_metric(),
    "classic metric": classic_metric(),
    "legacy log": legacy_log(),
    "legacy activity": legacy_activity(),
    "legacy budget": legacy_budget(),
}
