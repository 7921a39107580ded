"""Reads whatever Azure Monitor posts, in the common alert schema or one of its legacy shapes, into one frozen value.

A refusal is answered with 400, which is final for an action group: the alert is lost. So only what an alert cannot be
without is demanded (rule, condition, identity, time); all else is read if it can be read.
Shapes: learn.microsoft.com/azure/azure-monitor/alerts, "Common alert schema", "Non-common alert schema definitions" and
"Configure webhooks for activity log alerts".
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.model.alert_envelope import unwrap
from shared.model.alert_essence import say_essence
from shared.model.alert_events import say_budget
from shared.model.alert_json import Node
from shared.model.alert_parts import (
    custom_properties,
    dimension_values,
    identifier,
    rule_name,
    severity,
    spare_rule_name,
    targets,
)
from shared.model.alert_text import one_line

_LONGEST_DESCRIPTION = 1000


class AlertCondition(StrEnum):
    """Whether the rule's condition began or ceased to hold."""

    FIRED = "fired"
    RESOLVED = "resolved"


_CONDITIONS = {
    "fired": AlertCondition.FIRED,
    "activated": AlertCondition.FIRED,
    "resolved": AlertCondition.RESOLVED,
    "deactivated": AlertCondition.RESOLVED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One delivery of an alert, as it was posted.

    Attributes:
        rule: Name of the alert rule. Legacy activity log alerts do not carry it: there it is the operation's name.
        severity: 0 (critical) to 4 (verbose); `None` where the payload has none.
        fired_at: In UTC. A legacy alert that ends says only when it ended, which is then here too.
        resolved_at: `None` while it is fired, and where the payload does not tell.
        targets: ARM ids in lower case.
        essence: One sentence for people, with the numbers that the payload carries.
        schema: `common` or `legacy-...`, after the envelopes it came in: `wrapper:automation/common`.
        custom_properties: Names and values, sorted by name.
        occurrence: What tells this firing from others of the same alert id, where `fired_at` does not suffice.
    """

    rule: str
    condition: AlertCondition
    severity: int | None
    signal_type: str
    fired_at: datetime
    resolved_at: datetime | None
    targets: tuple[str, ...]
    alert_id: str
    description: str
    essence: str
    schema: str
    custom_properties: tuple[tuple[str, str], ...] = ()
    occurrence: str = ""

    @property
    def identity(self) -> str:
        """The same for every delivery of the same news; hex digits, safe in a key.

        Never built on `originAlertId`, which alerts of different kinds share or leave out.
        """
        told = (self.alert_id, self.condition.value, self.occurrence or self.fired_at.isoformat())
        return hashlib.sha256("\n".join(told).encode()).hexdigest()


def read_alert(document: object, *, received_at: datetime) -> Alert:
    """Read a parsed JSON document.

    Args:
        document: What `json.loads` gave.
        received_at: Stands in for the time of alerts that carry none (legacy budgets).

    Raises:
        InvalidInput: it is no alert, or lacks what an alert cannot be without; says what, where and what was expected.
    """
    envelopes, root = unwrap(Node(document))
    for marks, body, schema, read in _SHAPES:
        if root.at(*marks).present:
            return read(root.at(*body), envelopes + schema, received_at)
    if root.at("schemaId").text.casefold() == "azuremonitorcommonalertschema":
        root.at("data", "essentials").refuse("an object")
    return root.refuse("an object with data.essentials, data.context or AlertRuleName, as Azure Monitor posts")


def _read_common(data: Node, schema: str, _received_at: datetime) -> Alert:
    essentials, context = data.at("essentials").required_object(), data.at("alertContext")
    condition = _condition(essentials.at("monitorCondition"))
    description = _description(essentials.at("description"))
    # An activity log event keeps its own details in `properties`; elsewhere the rule's owner wrote what is there.
    owned = () if context.at("operationName").present else (context.at("properties"),)
    return Alert(
        rule=rule_name(essentials.at("alertRule"), spare=spare_rule_name(essentials, context)),
        condition=condition,
        severity=severity(essentials.at("severity")),
        signal_type=one_line(essentials.at("signalType").text),
        fired_at=essentials.at("firedDateTime").required_time(),
        resolved_at=essentials.at("resolvedDateTime").time if condition is AlertCondition.RESOLVED else None,
        targets=targets(essentials.at("alertTargetIDs")),
        alert_id=identifier(essentials.at("alertId")),
        description=description,
        essence=_essence(say_essence(context), description, essentials.at("monitoringService").text),
        schema=schema,
        custom_properties=custom_properties(*owned, data.at("customProperties")),
    )


def _read_legacy_metric(body: Node, schema: str, _received_at: datetime) -> Alert:
    """The rule's id is all the id there is, and one rule fires for many resources and dimensions at once."""
    context = body.at("context").required_object()
    condition = _condition(body.at("status"))
    told_at = context.at("timestamp").required_time()
    target = targets(context.at("resourceId"))
    description = _description(context.at("description"))
    return Alert(
        rule=rule_name(context.at("name")),
        condition=condition,
        severity=severity(context.at("severity")),
        signal_type="Metric",
        fired_at=told_at,
        resolved_at=told_at if condition is AlertCondition.RESOLVED else None,
        targets=target,
        alert_id=identifier(context.at("id")),
        description=description,
        essence=_essence(say_essence(context), description, "metric"),
        schema=schema,
        custom_properties=custom_properties(body.at("properties")),
        occurrence=" ".join((told_at.isoformat(), *target, *dimension_values(context.at("condition")))),
    )


def _read_legacy_activity(body: Node, schema: str, _received_at: datetime) -> Alert:
    event = body.at("context", "activityLog").required_object()
    description = _description(event.at("description"))
    return Alert(
        rule=rule_name(event.at("operationName")),
        condition=_condition(body.at("status")),
        severity=None,
        signal_type="Activity Log",
        fired_at=event.at("eventTimestamp").required_time(),
        resolved_at=None,
        targets=targets(event.first("resourceId", "subscriptionId")),
        alert_id=identifier(event.first("eventDataId", "correlationId")),
        description=description,
        essence=_essence(say_essence(event), description, "activity log"),
        schema=schema,
        custom_properties=custom_properties(body.at("properties")),
    )


def _read_legacy_log(body: Node, schema: str, _received_at: datetime) -> Alert:
    """An alert of this kind never resolves, and has no id but the place it searched and the rule's name."""
    description = _description(body.at("Description"))
    rule = rule_name(body.at("AlertRuleName"))
    searched = body.first("WorkspaceId", "ApplicationId", "SubscriptionId")
    return Alert(
        rule=rule,
        condition=AlertCondition.FIRED,
        severity=severity(body.at("Severity")),
        signal_type="Log",
        fired_at=body.at("SearchIntervalEndtimeUtc").required_time(),
        resolved_at=None,
        targets=targets(body.at("SubscriptionId")),
        alert_id=f"{identifier(searched)}/{rule}",
        description=description,
        essence=_essence(say_essence(body), description, "log"),
        schema=schema,
    )


def _read_legacy_budget(body: Node, schema: str, received_at: datetime) -> Alert:
    """It has no time: what tells one from the next is how much was spent of which period's budget."""
    rule = rule_name(body.at("BudgetName"))
    moment = (body.at(key).word for key in ("BudgetStartDate", "NotificationThresholdAmount", "SpendingAmount"))
    return Alert(
        rule=rule,
        condition=AlertCondition.FIRED,
        severity=None,
        signal_type="",
        fired_at=received_at,
        resolved_at=None,
        targets=targets(body.at("SubscriptionId")),
        alert_id=f"{identifier(body.at('SubscriptionId'))}/{rule}",
        description="",
        essence=say_budget(body),
        schema=schema,
        occurrence=" ".join(moment),
    )


_Reader = Callable[[Node, str, datetime], Alert]

# What must be there, where the body begins, what it is called, who reads it. The first that fits is taken.
_SHAPES: tuple[tuple[tuple[str, ...], tuple[str, ...], str, _Reader], ...] = (
    (("data", "essentials"), ("data",), "common", _read_common),
    (("data", "context", "activityLog"), ("data",), "legacy-activity", _read_legacy_activity),
    (("data", "context"), ("data",), "legacy-metric", _read_legacy_metric),
    (("data", "AlertRuleName"), ("data",), "legacy-log", _read_legacy_log),
    (("data", "BudgetName"), ("data",), "legacy-budget", _read_legacy_budget),
    (("context",), (), "legacy-metric", _read_legacy_metric),
    (("AlertRuleName",), (), "legacy-log", _read_legacy_log),
)


def _condition(place: Node) -> AlertCondition:
    return _CONDITIONS.get(place.text.casefold()) or place.refuse("Fired or Resolved, or Activated or Deactivated")


def _description(place: Node) -> str:
    return one_line(place.text, _LONGEST_DESCRIPTION)


def _essence(told: str, description: str, kind: str) -> str:
    return told or one_line(description) or one_line(f"{kind} alert without details".strip())
