"""Metrics over HTTP: a range of time, what is refused of it, and a roll-up by the timer's function in between."""

from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import pytest

from local.processes import Child
from shared.adapters.tables import TableLedger
from shared.analytics.buckets import Grain
from shared.analytics.rolling import Head
from shared.engine.records import decode
from shared.engine.rollups import HEAD
from tests.functional.app.bodies import sample
from tests.functional.app.http_client import Answer, Api
from tests.functional.app.problems import refusal
from tests.functional.app.waiting import wait_until

pytestmark = pytest.mark.rig


def metrics(api: Api, written: str | None = None, workload: str = "demo") -> Answer:
    """Ask for a range."""
    query = "" if written is None else f"?range={quote(written, safe='')}"
    return api.get(f"/api/workloads/{workload}/metrics{query}")


def confidence(api: Api, written: str = "24h") -> dict[str, Any]:
    """What is known of the demo's confidence."""
    found: dict[str, Any] = metrics(api, written).json["insights"]["signals"]["confidence"]
    return found


def test_a_watched_workload_shows_what_it_measured(api: Api) -> None:
    wait_until(lambda: metrics(api).json["insights"]["signals"]["error_rate"]["samples"]["measured"], within_s=60)
    answer = metrics(api)
    assert answer.status == HTTPStatus.OK
    assert set(answer.json) == {"range", "current", "historical", "alerts", "insights", "status"}
    assert answer.json["range"]["grain"] == "minutes"
    assert len(answer.json["historical"]["at"]) <= 500
    assert answer.json["current"]["error_rate"]["outcome"] == "measured"
    assert answer.json["status"]["verdict"] in {"healthy", "unhealthy", "blind"}


@pytest.mark.parametrize("written", ["1h", "24h", "7d"])
def test_every_span_is_answered(api: Api, written: str) -> None:
    assert metrics(api, written).status == HTTPStatus.OK


def test_an_interval_is_answered(api: Api) -> None:
    now = datetime.now(UTC)
    written = f"{now - timedelta(hours=2):%Y-%m-%dT%H:%M:%SZ}/{now:%Y-%m-%dT%H:%M:%SZ}"
    assert metrics(api, written).json["range"]["grain"] == "minutes"


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("1y", "range: expected 1h, 24h, 7d, or FROM/TO in UTC, such as 2026-11-20T12:00:00Z/2026-11-20T18:00:00Z"),
        ("1H", "range: expected 1h"),
        ("2026-11-20T12:00:00Z", "range: expected 1h"),
        ("2001-01-01T00:00:00Z/2001-01-02T00:00:00Z", "older than what is kept, 90d; expected at least "),
        ("2999-01-01T00:00:00Z/2999-01-02T00:00:00Z", "TO lies ahead; expected at most "),
        ("x" * 81, "range: String should have at most 80 characters"),
    ],
)
def test_a_bad_range_is_refused_and_says_what_is_allowed(api: Api, written: str, says: str) -> None:
    assert says in refusal(metrics(api, written), HTTPStatus.BAD_REQUEST)


def test_a_workload_that_is_not_there_is_not_found(api: Api) -> None:
    assert "nobody" in refusal(metrics(api, workload="nobody"), HTTPStatus.NOT_FOUND)


def test_rolling_up_changes_where_samples_are_kept_and_not_how_many_there_are(
    api: Api, host: Child, ledger: TableLedger
) -> None:
    # Settled, and not so late that a wrong clock is thought of where newer ones are known.
    at = datetime.now(UTC) - timedelta(minutes=4, seconds=10)
    body = {"samples": [sample(at=(at + timedelta(seconds=n)).isoformat(), id=f"r{n}") for n in range(60)]}
    before = confidence(api)["samples"]["measured"]
    assert api.send_json("POST", "/api/workloads/demo/samples", body).status == HTTPStatus.ACCEPTED
    wait_until(lambda: confidence(api)["samples"]["measured"] == before + 60)
    master = {"x-functions-key": str(host.ready["master_key"])}
    assert api.send("POST", "/admin/functions/roll_up", b"{}", master).status == HTTPStatus.ACCEPTED

    def counted() -> int:
        row = ledger.read("demo", HEAD)
        days = decode(Head, row.body).waiting[Grain.DAY].values() if row else ()
        return sum(day.signals["confidence"].measured for day in days if "confidence" in day.signals)

    wait_until(lambda: counted() >= 60)
    assert confidence(api)["samples"]["measured"] == before + 60
    assert confidence(api, "7d")["samples"]["measured"] == before + 60
