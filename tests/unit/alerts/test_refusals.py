"""What is refused, each with what was found, where, and what was expected."""

import json
from typing import Any

import pytest

from shared.errors import InvalidInput
from shared.model.alert import read_alert
from tests.unit.alerts.payloads import RECEIVED_AT, common, legacy_activity, legacy_log, legacy_metric

KNOWN = "expected an object with data.essentials, data.context or AlertRuleName, as Azure Monitor posts"
CONDITIONS = "expected Fired or Resolved, or Activated or Deactivated"
TIME = "expected a time such as 2024-05-01T12:00:00Z"

NO_ALERTS: list[tuple[object, str]] = [
    (None, f"$: is missing or null; {KNOWN}"),
    ([], f"$: is a list; {KNOWN}"),
    ("{}", f"$: is '{{}}'; {KNOWN}"),
    (5, f"$: is a number; {KNOWN}"),
    (False, f"$: is a boolean; {KNOWN}"),
    ({"text": "orders errors fired"}, f"$: is an object; {KNOWN}"),
    ({"alertContext": {"condition": {}}}, f"$: is an object; {KNOWN}"),
    ({"schemaId": "azureMonitorCommonAlertSchema"}, "data.essentials: is missing or null; expected an object"),
    ({"data": {"essentials": []}}, "data.essentials: is a list; expected an object"),
    ({"data": {"context": "x"}}, "data.context: is 'x'; expected an object"),
    ({"data": {"context": {"activityLog": [1]}}}, "data.context.activityLog: is a list; expected an object"),
]
INCOMPLETE: list[tuple[object, str]] = [
    (
        common(alertRule=None, monitoringService=None),
        "data.essentials.alertRule: is missing or null; expected the name of an alert rule",
    ),
    (common(alertRule=["x"]), "data.essentials.alertRule: is a list; expected the name of an alert rule"),
    (common(alertRule=" \x00 "), "data.essentials.alertRule: is ''; expected the name of an alert rule"),
    (common(alertId={}), "data.essentials.alertId: is an object; expected an id"),
    (common(monitorCondition="Broken"), f"data.essentials.monitorCondition: is 'Broken'; {CONDITIONS}"),
    (common(firedDateTime="yesterday"), f"data.essentials.firedDateTime: is 'yesterday'; {TIME}"),
    (common(firedDateTime=1714564800), f"data.essentials.firedDateTime: is a number; {TIME}"),
    (
        common(firedDateTime="0001-01-01T00:00:00+05:00"),
        "data.essentials.firedDateTime: is '0001-01-01T00:00:00+05:00'; " + TIME,
    ),
    (legacy_metric("Unknown"), f"data.status: is 'Unknown'; {CONDITIONS}"),
    (legacy_metric(timestamp=None), f"data.context.timestamp: is missing or null; {TIME}"),
    (
        legacy_activity(eventDataId=None, correlationId=None),
        "data.context.activityLog.eventDataId: is missing or null; expected an id",
    ),
    (legacy_log() | {"SearchIntervalEndtimeUtc": "x"}, f"SearchIntervalEndtimeUtc: is 'x'; {TIME}"),
]


@pytest.mark.parametrize(("document", "sentence"), NO_ALERTS + INCOMPLETE)
def test_a_refusal_says_what_where_and_what_was_expected(document: object, sentence: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        read_alert(document, received_at=RECEIVED_AT)
    assert str(refusal.value) == sentence


def test_a_long_id_is_refused_because_a_cut_one_could_be_taken_for_another() -> None:
    with pytest.raises(InvalidInput, match="expected an id of at most 1024 characters"):
        read_alert(common(alertId="x" * 1025), received_at=RECEIVED_AT)


def test_what_was_found_is_quoted_short() -> None:
    with pytest.raises(InvalidInput) as refusal:
        read_alert(common(monitorCondition="x" * 100_000), received_at=RECEIVED_AT)
    assert len(str(refusal.value)) < 160


@pytest.mark.parametrize("letter", ["", "{", "[" * 200_000, "1" * 5000, '"\x00'])
def test_an_envelope_without_a_readable_letter(letter: str) -> None:
    with pytest.raises(InvalidInput, match=r"^RequestBody: is .*; expected a JSON document"):
        read_alert({"WebhookName": "w", "RequestBody": letter}, received_at=RECEIVED_AT)


def test_a_refusal_inside_an_envelope_names_the_way_to_it() -> None:
    envelope = {"WebhookName": "w", "RequestBody": json.dumps(common(alertId=None))}
    with pytest.raises(InvalidInput) as refusal:
        read_alert(envelope, received_at=RECEIVED_AT)
    assert refusal.value.where == "RequestBody.data.essentials.alertId"


def test_envelopes_may_nest_but_not_without_end() -> None:
    def wrapped(times: int) -> Any:
        document: Any = common()
        for _ in range(times):
            document = {"headers": {}, "body": document}
        return document

    assert read_alert(wrapped(4), received_at=RECEIVED_AT).rule == "orders errors"
    with pytest.raises(InvalidInput, match="expected at most 4 envelopes"):
        read_alert(wrapped(5), received_at=RECEIVED_AT)
