"""POST /api/alerts with everything that Azure Monitor posts: answered 2xx, kept once, and never executed by itself."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import pytest
from azure.data.tables import TableClient

from local.rig.rig import Rig
from tests.functional.app.bodies import ALERTS
from tests.functional.app.http_client import Answer, Api
from tests.functional.app.waiting import wait_until
from tests.unit.alerts.payloads import EVERY_SHAPE, common, metric

pytestmark = pytest.mark.rig


def post(api: Api, alert: object) -> Answer:
    """Deliver an alert."""
    return api.send_json(ALERTS.method, ALERTS.path, alert)


def alert_events(api: Api, workload: str) -> list[dict[str, Any]]:
    """The history's alerts."""
    return [event for event in api.get(f"/api/workloads/{workload}").json["events"] if event["kind"] == "alert"]


def fresh(rule: str, **essentials: Any) -> dict[str, Any]:
    """An alert that never fired before, about something that is no site."""
    told = {
        "alertTargetIDs": ["/subscriptions/s/resourceGroups/g/providers/microsoft.insights/components/c"]
    } | essentials
    return common(metric(), alertRule=rule, alertId=f"/alerts/{uuid4()}", **told)


@pytest.mark.parametrize("alert", EVERY_SHAPE.values(), ids=EVERY_SHAPE.keys())
def test_every_shape_is_taken_in_however_often(api: Api, alert: dict[str, Any]) -> None:
    assert [post(api, alert).status for _ in range(2)] == [HTTPStatus.ACCEPTED] * 2


def test_duplicates_change_nothing(api: Api) -> None:
    alert = fresh("demo-5xx")
    before = len(alert_events(api, "demo"))
    with ThreadPoolExecutor(8) as senders:
        answers = list(senders.map(lambda _: post(api, alert), range(16)))
    assert {answer.status for answer in answers} == {HTTPStatus.ACCEPTED}
    assert sum("taken in" in answer.json["detail"] for answer in answers) == 1
    assert sum("was here before" in answer.json["detail"] for answer in answers) == 15
    assert len(alert_events(api, "demo")) == before + 1


def test_an_alert_is_one_more_signal_of_the_watch(api: Api) -> None:
    def value() -> float | None:
        newest = api.get("/api/workloads/orders").json["signals"]["fired"]
        return float(newest["value"]) if newest else None

    fired = datetime.now(UTC) - timedelta(seconds=5)
    since = {"firedDateTime": fired.isoformat()}
    assert post(api, fresh("orders errors", **since)).status == HTTPStatus.ACCEPTED
    wait_until(lambda: value() == 1.0)
    ended = {"monitorCondition": "Resolved", "resolvedDateTime": (fired + timedelta(seconds=1)).isoformat()}
    assert post(api, fresh("ORDERS ERRORS", **since, **ended)).status == HTTPStatus.ACCEPTED
    wait_until(lambda: value() == 0.0)


def test_what_concerns_no_workload_is_kept_and_nothing_is_done(api: Api, rig: Rig) -> None:
    rule = f"somebody else's {uuid4()}"
    answer = post(api, fresh(rule, alertTargetIDs=["/subscriptions/x"]))
    assert answer.status == HTTPStatus.ACCEPTED
    assert answer.json["detail"] == f"alert {rule} concerns no workload here; it is kept and nothing is done"
    with TableClient.from_connection_string(rig.storage, "workloads") as table:
        kept = list(table.query_entities("PartitionKey eq 'unclaimed'"))
    assert sum(rule in str(entity["body"]) for entity in kept) == 1


def test_an_alert_on_the_site_concerns_its_workload_whatever_the_rule(api: Api, rig: Rig) -> None:
    answer = post(api, fresh("a rule nobody listed", alertTargetIDs=[rig.site_id().upper()]))
    assert answer.json["detail"] == "demo: alert a rule nobody listed fired taken in"


def test_a_rule_is_carried_out_by_its_name_and_an_unknown_one_never(api: Api, rig: Rig) -> None:
    crm = "/api/workloads/crm"
    change = {"build": "postgresql", "known_good": "sqlite", "kind": "migration"}
    assert api.send_json("POST", f"{crm}/changes", change).status == HTTPStatus.CREATED

    fired = {"firedDateTime": datetime.now(UTC).isoformat()}
    unknown = post(api, fresh("DropEverything", alertTargetIDs=[rig.site_id("crm")], **fired))
    assert unknown.json["detail"] == "crm: alert DropEverything fired taken in"
    (event,) = wait_until(lambda: alert_events(api, "crm"))
    assert event["sentence"].endswith("; no signal names this rule, so that nothing follows")
    assert api.get(f"{crm}/control").json["do"] == "run"

    assert post(api, fresh("CrmMemoryPressure", **fired)).status == HTTPStatus.ACCEPTED
    held = wait_until(lambda: _told(api, f"{crm}/control", "pause"))
    assert held["sentence"].startswith("pause the change (confidence 0.5): pressure 1 >= 1 for ")


def _told(api: Api, control: str, do: str) -> dict[str, Any] | None:
    told: dict[str, Any] = api.get(control).json
    return told if told["do"] == do else None
