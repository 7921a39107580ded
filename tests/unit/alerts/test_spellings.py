"""The same thing in the many spellings that Azure has used for it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.model.alert import Alert, AlertCondition, read_alert
from tests.unit.alerts.payloads import (
    FIRED_AT,
    RECEIVED_AT,
    RULE_ID,
    SUBSCRIPTION,
    TARGET,
    common,
    legacy_log,
    log_search,
    metric,
)


def read(document: object) -> Alert:
    return read_alert(document, received_at=RECEIVED_AT)


@pytest.mark.parametrize(
    "written",
    [
        "2024-05-01T12:00:30.1234567Z",
        "2024-05-01T12:00:30.1234567",
        "2024-05-01T14:00:30.123456+02:00",
        "2024-05-01 12:00:30.123456",
    ],
)
def test_times_are_utc_with_or_without_a_zone_and_with_seven_digits(written: str) -> None:
    fired_at = read(common(firedDateTime=written)).fired_at
    assert fired_at == FIRED_AT
    assert fired_at.tzinfo is UTC


@pytest.mark.parametrize(("written", "hour"), [("5/1/2024 1:36:31 PM", 13), ("05/01/2024 12:36:31 AM", 0)])
def test_american_times(written: str, hour: int) -> None:
    fired_at = read(legacy_log() | {"SearchIntervalEndtimeUtc": written}).fired_at
    assert fired_at == datetime(2024, 5, 1, hour, 36, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "severity"),
    [("Sev0", 0), ("sev4", 4), ("3", 3), (2, 2), ("Error", 1), ("Verbose", 4)],
)
def test_severity(written: object, severity: int) -> None:
    assert read(common(severity=written)).severity == severity


@pytest.mark.parametrize("written", [None, "", "Sev5", 7, -1, 2.5, True, "high", [], {}])
def test_no_severity(written: object) -> None:
    assert read(common(severity=written)).severity is None


@pytest.mark.parametrize(
    ("written", "condition"),
    [
        ("Fired", "fired"),
        ("fired", "fired"),
        ("Activated", "fired"),
        ("RESOLVED", "resolved"),
        ("Deactivated", "resolved"),
    ],
)
def test_condition(written: str, condition: str) -> None:
    assert read(common(monitorCondition=written)).condition == AlertCondition(condition)


@pytest.mark.parametrize(
    ("written", "targets"),
    [
        ([TARGET.upper(), TARGET], (TARGET,)),
        (TARGET, (TARGET,)),
        ([SUBSCRIPTION], (f"/subscriptions/{SUBSCRIPTION}",)),
        (f"/subscriptions/{SUBSCRIPTION.upper()}", (f"/subscriptions/{SUBSCRIPTION}",)),
        ([None, 5, {}, "", TARGET], (TARGET,)),
        ([TARGET + "x" * 2000], ()),
        (None, ()),
        ({}, ()),
        (5, ()),
    ],
)
def test_targets(written: object, targets: tuple[str, ...]) -> None:
    assert read(common(alertTargetIDs=written)).targets == targets


@pytest.mark.parametrize("key", ["alertTargetIDs", "alertTargetIds", "AlertTargetIds"])
def test_keys_in_another_case(key: str) -> None:
    document = common()
    document["data"]["essentials"][key] = document["data"]["essentials"].pop("alertTargetIDs")
    assert read(document).targets == (TARGET,)


def test_an_exact_key_goes_before_one_in_another_case() -> None:
    document = common()
    document["data"]["essentials"] = {"ALERTRULE": "impostor", **document["data"]["essentials"]}
    assert read(document).rule == "orders errors"


@pytest.mark.parametrize("key", ["alertRuleId", "alertRuleID"])
def test_a_rule_without_a_name_is_named_by_its_id(key: str) -> None:
    document = common(alertRule=None)
    document["data"]["essentials"][key] = RULE_ID
    assert read(document).rule == "orders errors"


def test_an_alert_without_any_rule_is_named_after_who_raised_it() -> None:
    assert (
        read(common({"AlertCategory": "credits"}, alertRule=None, monitoringService="CostAlerts")).rule == "CostAlerts"
    )


@pytest.mark.parametrize("written", [None, {}, "None", [], 5])
def test_no_custom_properties(written: Any) -> None:
    assert read(common({"properties": written}, custom=written)).custom_properties == ()


def test_custom_properties_from_both_places_with_the_newer_place_first_in_rank() -> None:
    document = common(log_search(), custom={"owner": "ops", "team": "checkout", "paging": True, "none": None})
    assert read(document).custom_properties == (("owner", "ops"), ("paging", "true"), ("team", "checkout"))
    assert read(common(log_search())).custom_properties == (("team", "orders"),)


def test_the_details_of_an_activity_log_event_are_no_custom_properties() -> None:
    document = common({"operationName": "Microsoft.Web/sites/write", "properties": {"message": "m"}}, custom={"a": "b"})
    assert read(document).custom_properties == (("a", "b"),)


def test_a_fired_alert_has_not_been_resolved_whatever_it_carries() -> None:
    assert read(common(metric(), resolvedDateTime="2024-05-01T12:09:00Z")).resolved_at is None


@pytest.mark.parametrize("written", [None, "soon", 5])
def test_a_resolved_alert_may_leave_out_when(written: object) -> None:
    assert read(common(monitorCondition="Resolved", resolvedDateTime=written)).resolved_at is None
