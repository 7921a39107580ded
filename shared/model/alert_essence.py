"""Says in one sentence what an alert is about, with the numbers that its context carries.

What it is, is told by the shape of the context and never by `signalType`, which is null for budgets and `Log` for
backups. Shapes: "Common alert schema", learn.microsoft.com/azure/azure-monitor/alerts/alerts-common-schema.
"""

from collections.abc import Callable

from shared.model.alert_events import (
    say_autoscale,
    say_budget_context,
    say_operation,
    say_prometheus,
    say_recommendation,
    say_resource_health,
    say_security,
    say_service_health,
    say_smart_detection,
)
from shared.model.alert_json import Node
from shared.model.alert_measures import say_log_results, say_metric
from shared.model.alert_text import one_line

# Activity log events all have an operation; the narrower shapes come first.
_SHAPES: tuple[tuple[tuple[str, ...], Callable[[Node], str]], ...] = (
    (("condition",), say_metric),
    (("SearchQuery",), say_log_results),
    (("AlertData", "BudgetName"), say_budget_context),
    (("DetectionSummary",), say_smart_detection),
    (("expression",), say_prometheus),
    (("properties", "currentHealthStatus"), say_resource_health),
    (("properties", "trackingId"), say_service_health),
    (("properties", "newInstancesCount"), say_autoscale),
    (("properties", "recommendationName"), say_recommendation),
    (("properties", "compromisedEntity"), say_security),
    (("operationName",), say_operation),
)


def say_essence(context: Node) -> str:
    """Return the sentence; empty when the context is of no known shape or carries nothing worth telling."""
    sentences = (say(context) for marks, say in _SHAPES if context.at(*marks).present)
    return one_line(next((sentence for sentence in sentences if sentence), ""))
