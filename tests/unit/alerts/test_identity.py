"""Two deliveries are the same exactly when they bring the same news."""

import copy
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.alert import Alert, read_alert
from tests.unit.alerts import payloads
from tests.unit.alerts.payloads import RECEIVED_AT, Json, common, criterion, legacy_budget, legacy_metric, metric


def identity(document: object, *, late: timedelta = timedelta(0)) -> str:
    return read_alert(document, received_at=RECEIVED_AT + late).identity


@pytest.mark.parametrize("name", payloads.EVERY_SHAPE)
def test_a_repeated_delivery_is_the_same_whenever_it_arrives(name: str) -> None:
    document = payloads.EVERY_SHAPE[name]
    first = identity(document)
    assert identity(copy.deepcopy(document), late=timedelta(minutes=1)) == first
    assert re.fullmatch("[0-9a-f]{64}", first)


def test_every_shape_brings_other_news() -> None:
    apart = [payloads.legacy_metric(), payloads.legacy_log(), payloads.legacy_activity(), legacy_budget(), common()]
    assert len({identity(document) for document in apart}) == len(apart)


@pytest.mark.parametrize(
    "changes",
    [
        {"alertId": payloads.ALERT_ID + "2"},
        {"monitorCondition": "Resolved"},
        {"firedDateTime": "2024-05-01T12:00:31.1234567Z"},
    ],
)
def test_id_condition_and_time_tell_alerts_apart(changes: Json) -> None:
    assert identity(common(**changes)) != identity(common())


@pytest.mark.parametrize(
    "changes",
    [{"originAlertId": "origin-2"}, {"description": "other"}, {"severity": "Sev3"}, {"alertTargetIDs": []}],
)
def test_nothing_else_does(changes: Json) -> None:
    assert identity(common(**changes)) == identity(common())


def on_instance(name: str) -> Json:
    condition = metric(criterion(dimensions=[{"name": "Instance", "value": name}]))["condition"]
    return legacy_metric(condition=condition)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (legacy_metric(), legacy_metric("Deactivated")),
        (legacy_metric(), legacy_metric(resourceId=payloads.SITE_ID + "2")),
        (on_instance("a"), on_instance("b")),
        (legacy_budget(), legacy_budget(SpendingAmount="110")),
        (legacy_budget(), legacy_budget(BudgetStartDate="6/1/2024")),
    ],
)
def test_legacy_alerts_of_one_rule_are_told_apart(one: Json, other: Json) -> None:
    assert identity(one) != identity(other)


_texts = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=20)


def _read(alert_id: str, condition: str, fired: str) -> Alert:
    return read_alert(
        common(alertId=alert_id, monitorCondition=condition, firedDateTime=fired), received_at=RECEIVED_AT
    )


_deliveries: st.SearchStrategy[Callable[[], Alert]] = st.builds(
    lambda *parts: lambda: _read(*parts),
    _texts,
    st.sampled_from(["Fired", "Resolved"]),
    st.datetimes().map(lambda moment: moment.isoformat() + "Z"),
)


@given(_deliveries, _deliveries)
def test_identities_agree_exactly_when_id_condition_and_time_do(
    deliver_one: Callable[[], Alert], deliver_other: Callable[[], Alert]
) -> None:
    one, other = deliver_one(), deliver_other()
    same_news = (one.alert_id, one.condition, one.fired_at) == (other.alert_id, other.condition, other.fired_at)
    assert (one.identity == other.identity) is same_news
