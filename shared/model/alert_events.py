"""Says what happened, for alerts that tell of an event and not of a measured value: activity log, service and resource
health, budgets, smart detection, Prometheus.

Free text in them (titles, summaries) is quoted; markup such as `communication` is never used.
"""

from collections.abc import Iterable

from shared.model.alert_json import Node
from shared.model.alert_text import one_line

_LONGEST_PART = 160

# A template with one gap, and what goes in; left out where the payload has nothing for the gap.
Part = tuple[str, Node]


def say_resource_health(context: Node) -> str:
    """Tell how the health of a resource changed, and who caused it."""
    properties = context.at("properties")
    return _joined(
        (
            ("resource health {}", properties.at("currentHealthStatus")),
            ("after {}", properties.at("previousHealthStatus")),
            ("({})", properties.at("cause")),
            (": {}", properties.at("title")),
        )
    )


def say_service_health(context: Node) -> str:
    """Tell of an incident or a maintenance of Azure itself."""
    properties = context.at("properties")
    return _joined(
        (
            ("{}", properties.at("incidentType")),
            ("{}", properties.at("trackingId")),
            ("in {}", properties.at("service")),
            ("({})", properties.at("region")),
            (", stage {}", properties.at("stage")),
            (": {}", properties.at("title")),
        )
    )


def say_autoscale(context: Node) -> str:
    """Tell from how many instances to how many."""
    properties = context.at("properties")
    return _joined(
        (
            ("autoscale from {}", properties.at("oldInstancesCount")),
            ("to {} instances", properties.at("newInstancesCount")),
            ("({})", context.at("status")),
        )
    )


def say_recommendation(context: Node) -> str:
    """Tell what Azure Advisor recommends."""
    properties = context.at("properties")
    return _joined(
        (
            ("recommendation: {}", properties.at("recommendationName")),
            ("({}", properties.at("recommendationCategory")),
            (", impact {})", properties.at("recommendationImpact")),
        )
    )


def say_security(context: Node) -> str:
    """Tell what Defender saw, and where."""
    properties = context.at("properties")
    return _joined(
        (
            ("security alert on {}", properties.at("compromisedEntity")),
            (", severity {}", properties.at("severity")),
            (", {}", properties.at("actionTaken")),
            (": {}", context.at("description")),
        )
    )


def say_operation(context: Node) -> str:
    """Tell any other operation of the activity log with its outcome."""
    return _joined((("operation {}", context.at("operationName")), ("{}", context.at("status"))))


def say_budget(budget: Node) -> str:
    """Tell a budget's spending; amounts come as `$25.00`, `100` or a share such as `0.8`."""
    return _joined(
        (
            ("budget {}", budget.at("BudgetName")),
            ("({})", budget.at("Unit")),
            (": spent {}", budget.first("SpentAmount", "SpendingAmount")),
            ("of {}", budget.first("BudgetThreshold", "Budget")),
            (", notice at {}", budget.at("NotificationThresholdAmount")),
            (", forecast {}", budget.at("ForecastedTotalForPeriod")),
        )
    )


def say_budget_context(context: Node) -> str:
    """Tell a budget in the common alert schema."""
    return say_budget(context.at("AlertData"))


def say_smart_detection(context: Node) -> str:
    """Tell what Application Insights found unusual."""
    return _joined(
        (
            ("{}", context.at("DetectionSummary")),
            (": {}", context.at("DetectedValue")),
            ("against a normal {}", context.at("NormalValue")),
        )
    )


def say_prometheus(context: Node) -> str:
    """Tell a Prometheus rule's own summary with its expression."""
    annotations = context.at("annotations")
    return _joined(
        (
            ("{}", annotations.first("summary", "description")),
            (": {}", context.at("expression")),
            ("is {}", context.at("expressionValue")),
        )
    )


def _joined(parts: Iterable[Part]) -> str:
    """Fill the templates; those that begin with punctuation follow the one before without a space."""
    told = [template.format(one_line(node.word, _LONGEST_PART)) for template, node in parts if node.word]
    return "".join(part if part[0] in ":," else f" {part}" for part in told).lstrip(" :,")
