"""An alert as Azure Monitor posts it in the common schema.

https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-common-schema
"""

from datetime import UTC, datetime
from typing import Any, Literal


def alert_body(rule: str, alert_id: str, condition: Literal["Fired", "Resolved"]) -> dict[str, Any]:
    """Return one of a metric alert rule, of this moment; it names no resource, so that its rule's name alone counts."""
    now = datetime.now(UTC).isoformat()
    essentials = {
        "alertId": f"/subscriptions/s/providers/Microsoft.AlertsManagement/alerts/{alert_id}",
        "alertRule": rule,
        "severity": "Sev1",
        "signalType": "Metric",
        "monitorCondition": condition,
        "monitoringService": "Platform",
        "alertTargetIDs": [],
        "firedDateTime": now,
        **({"resolvedDateTime": now} if condition == "Resolved" else {}),
    }
    criterion = {"metricName": "Http5xx", "operator": "GreaterThan", "threshold": "5", "metricValue": 12.0}
    context = {"condition": {"windowSize": "PT5M", "allOf": [criterion]}}
    return {"schemaId": "azureMonitorCommonAlertSchema", "data": {"essentials": essentials, "alertContext": context}}
