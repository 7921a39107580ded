"""Every shape that Azure Monitor posts, read to the exact value."""

import json
from dataclasses import replace
from typing import Any

import pytest

from shared.model.alert import Alert, AlertCondition, read_alert
from tests.unit.alerts import payloads
from tests.unit.alerts.payloads import FIRED_AT, RECEIVED_AT, RESOLVED_AT, RULE_ID, SUBSCRIPTION, TARGET, Json

COMMON = Alert(
    rule="orders errors",
    condition=AlertCondition.FIRED,
    severity=1,
    signal_type="Metric",
    fired_at=FIRED_AT,
    resolved_at=None,
    targets=(TARGET,),
    alert_id=payloads.ALERT_ID,
    description="Too many errors",
    essence="Http5xx 12 > 5 (total over 5m)",
    schema="common",
)
LEGACY_METRIC = replace(
    COMMON,
    severity=2,
    description="",
    alert_id=RULE_ID,
    schema="legacy-metric",
    custom_properties=(("team", "orders"),),
    occurrence=f"{FIRED_AT.isoformat()} {TARGET}",
)


def read(document: object) -> Alert:
    return read_alert(document, received_at=RECEIVED_AT)


def test_a_fired_metric_alert() -> None:
    assert read(payloads.common(payloads.metric())) == COMMON


def test_a_resolved_metric_alert_says_the_value_that_resolved_it() -> None:
    calm = payloads.metric(payloads.criterion(metricValue=1.5))
    resolved = payloads.common(calm, monitorCondition="Resolved", resolvedDateTime="2024-05-01T12:09:00")
    assert read(resolved) == replace(
        COMMON,
        condition=AlertCondition.RESOLVED,
        resolved_at=RESOLVED_AT,
        essence="Http5xx 1.5 (threshold > 5, total over 5m)",
    )


def test_a_budget_alert_has_neither_rule_nor_signal_nor_target() -> None:
    document = payloads.common(
        payloads.budget(), alertRule=None, severity=None, signalType=None, alertTargetIDs=None, originAlertId=None
    )
    assert read(document) == replace(
        COMMON,
        rule="orders-month",
        severity=None,
        signal_type="",
        targets=(),
        essence="budget orders-month (EUR): spent €1,120.00 of €1,000.00, notice at €800.00",
    )


def test_a_legacy_metric_alert() -> None:
    assert read(payloads.legacy_metric()) == LEGACY_METRIC


def test_a_legacy_metric_alert_that_ends_says_only_when_it_ended() -> None:
    assert read(payloads.legacy_metric("Deactivated")) == replace(
        LEGACY_METRIC, condition=AlertCondition.RESOLVED, resolved_at=FIRED_AT
    )


def test_a_classic_metric_alert() -> None:
    assert read(payloads.classic_metric()) == replace(
        LEGACY_METRIC, essence="Requests 1,240 >= 1,000 (average over 15m)"
    )


@pytest.mark.parametrize(
    "wrap", [lambda flat: flat, lambda flat: {"schemaId": "Microsoft.Insights/LogAlert", "data": flat}]
)
def test_a_legacy_log_alert(wrap: Any) -> None:
    assert read(wrap(payloads.legacy_log())) == Alert(
        rule="orders errors",
        condition=AlertCondition.FIRED,
        severity=2,
        signal_type="Log",
        fired_at=FIRED_AT.replace(second=0, microsecond=0),
        resolved_at=None,
        targets=(f"/subscriptions/{SUBSCRIPTION}",),
        alert_id="w-1/orders errors",
        description="",
        essence="log query rows 2 > 0 (over 1h)",
        schema="legacy-log",
    )


def test_a_legacy_activity_log_alert_is_named_after_its_operation() -> None:
    assert read(payloads.legacy_activity()) == Alert(
        rule="Microsoft.Web/sites/restart/action",
        condition=AlertCondition.FIRED,
        severity=None,
        signal_type="Activity Log",
        fired_at=FIRED_AT.replace(second=0, microsecond=500_000),
        resolved_at=None,
        targets=(TARGET,),
        alert_id="e-1",
        description="",
        essence="operation Microsoft.Web/sites/restart/action Succeeded",
        schema="legacy-activity",
        custom_properties=(("team", "orders"),),
    )


def test_a_legacy_budget_has_no_time_but_that_of_its_receipt() -> None:
    assert read(payloads.legacy_budget()) == Alert(
        rule="orders-month",
        condition=AlertCondition.FIRED,
        severity=None,
        signal_type="",
        fired_at=RECEIVED_AT,
        resolved_at=None,
        targets=(f"/subscriptions/{SUBSCRIPTION}",),
        alert_id=f"{SUBSCRIPTION}/orders-month",
        description="",
        essence="budget orders-month (EUR): spent 100 of 120, notice at 0.8",
        schema="legacy-budget",
        occurrence="5/1/2024 0.8 100",
    )


def automation(document: Json) -> Json:
    return {"WebhookName": "runbook", "RequestBody": json.dumps(document), "RequestHeader": {"Host": "example.invalid"}}


def logic_app(document: Json) -> Json:
    return {"headers": {"Host": "example.invalid"}, "body": document}


@pytest.mark.parametrize(
    ("envelope", "schema"),
    [
        (automation, "wrapper:automation/common"),
        (logic_app, "wrapper:logic-app/common"),
        (lambda document: logic_app(automation(document)), "wrapper:logic-app/wrapper:automation/common"),
    ],
)
def test_envelopes_change_nothing_but_the_schema(envelope: Any, schema: str) -> None:
    assert read(envelope(payloads.common(payloads.metric()))) == replace(COMMON, schema=schema)


def test_a_legacy_alert_in_an_envelope() -> None:
    assert read(automation(payloads.legacy_metric())) == replace(
        LEGACY_METRIC, schema="wrapper:automation/legacy-metric"
    )
