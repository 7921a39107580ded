"""Pushed samples: what no policy can use is refused whole; what is taken never harms the watch."""

from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import pytest

from shared.adapters.tables import TableLedger
from shared.engine.records import snapshot
from tests.functional.app.bodies import sample
from tests.functional.app.http_client import Answer, Api
from tests.functional.app.problems import refusal
from tests.functional.app.waiting import wait_until

pytestmark = pytest.mark.rig


def push(api: Api, *samples: dict[str, Any], workload: str = "demo") -> Answer:
    """Send samples."""
    return api.send_json("POST", f"/api/workloads/{workload}/samples", {"samples": list(samples)})


@pytest.mark.parametrize("value", [-0.001, 10.001, -1e15, 1e15])
def test_a_value_off_its_scale_is_refused_with_the_scale(api: Api, value: float) -> None:
    assert "off its scale; expected 0 to 10" in refusal(push(api, sample(value=value)), HTTPStatus.BAD_REQUEST)


@pytest.mark.parametrize("value", [-1e308, 1.1e15, 1e308])
def test_a_value_beyond_all_bounds_is_refused(api: Api, value: float) -> None:
    assert "samples.0.value" in refusal(push(api, sample(value=value)), HTTPStatus.BAD_REQUEST)


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z"])
def test_a_time_before_anything_is_kept_is_refused(api: Api, at: str) -> None:
    assert "expected a time of the last 7 days" in refusal(push(api, sample(at=at)), HTTPStatus.BAD_REQUEST)


@pytest.mark.parametrize("at", ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59-14:00", "2999-01-01T00:00:00Z"])
def test_a_time_in_the_future_is_refused(api: Api, at: str) -> None:
    assert "lies in the future" in refusal(push(api, sample(at=at)), HTTPStatus.BAD_REQUEST)


def test_a_clock_that_is_a_little_fast_is_forgiven(api: Api) -> None:
    soon, too_soon = (datetime.now(UTC) + timedelta(minutes=minutes) for minutes in (4, 6))
    assert push(api, sample(at=too_soon.isoformat())).status == HTTPStatus.BAD_REQUEST
    assert push(api, sample(at=soon.isoformat(), signal="orders.amount"), workload="orders").status == 202


def test_a_signal_that_no_policy_has_is_refused_with_those_that_are(api: Api) -> None:
    reason = refusal(push(api, sample(signal="release.confidense")), HTTPStatus.BAD_REQUEST)
    assert reason == "signal: demo has no pushed signal 'release.confidense'; expected one of: release.confidence"


def test_a_workload_that_is_not_there_is_not_found(api: Api) -> None:
    assert refusal(push(api, sample(), workload="nobody"), HTTPStatus.NOT_FOUND) == "there is no workload 'nobody' here"


def test_one_bad_sample_keeps_all_of_its_request_out(api: Api, ledger: TableLedger) -> None:
    good = sample(id="kept out")
    refusal(push(api, good, sample(value=11)), HTTPStatus.BAD_REQUEST)
    after = sample(id="next one")
    assert push(api, after).status == HTTPStatus.ACCEPTED

    def arrived() -> set[str]:
        ids = {one.id for one in snapshot(ledger, "demo").watch.series.get("confidence", ())}
        return ids if "next one" in ids else set()

    assert "kept out" not in wait_until(arrived)


def test_the_same_request_again_changes_nothing(api: Api, ledger: TableLedger) -> None:
    body = [sample(id="twice"), sample(id="twice")]
    assert [push(api, *body).status for _ in range(3)] == [HTTPStatus.ACCEPTED] * 3

    def arrived() -> list[str]:
        return [one.id for one in snapshot(ledger, "demo").watch.series.get("confidence", ()) if one.id == "twice"]

    assert len(wait_until(arrived)) == 2


EXTREMES: tuple[tuple[dict[str, Any], HTTPStatus], ...] = (
    ({"value": 1e15, "count": 10**9}, HTTPStatus.ACCEPTED),
    ({"value": -1e15, "count": 10**9}, HTTPStatus.ACCEPTED),
    ({"value": 5e-324}, HTTPStatus.ACCEPTED),
    ({"value": -0.0}, HTTPStatus.ACCEPTED),
    ({"id": "\x00\n\r\x1b[31m"}, HTTPStatus.ACCEPTED),
    ({"id": "𝒾𝒹/../'\"\\"}, HTTPStatus.ACCEPTED),
    ({"value": 1e308}, HTTPStatus.BAD_REQUEST),
    ({"value": -1e308}, HTTPStatus.BAD_REQUEST),
    ({"at": "0001-01-01T00:00:00Z"}, HTTPStatus.BAD_REQUEST),
    ({"at": "0001-01-01T00:00:00+14:00"}, HTTPStatus.BAD_REQUEST),
    ({"at": "1970-01-01T00:00:00Z"}, HTTPStatus.BAD_REQUEST),
)


def test_extreme_samples_do_not_stop_the_watch(api: Api) -> None:
    for extreme, status in EXTREMES:
        assert push(api, sample(signal="orders.amount") | extreme, workload="orders").status == status, extreme
    last = sample(signal="orders.amount", value=7.25)
    assert push(api, last, workload="orders").status == HTTPStatus.ACCEPTED

    def seen() -> bool:
        newest = api.get("/api/workloads/orders").json["signals"]["amount"]
        return bool(newest and datetime.fromisoformat(newest["at"]) >= datetime.fromisoformat(last["at"]))

    wait_until(seen)
    cycled = api.get("/api/workloads/orders").json["cycled_at"]
    wait_until(lambda: api.get("/api/workloads/orders").json["cycled_at"] > cycled)


def test_a_value_that_its_unit_makes_infinite_is_refused(api: Api) -> None:
    answer = push(api, sample(signal="orders.latency", value=1e308), workload="orders")
    assert "value" in refusal(answer, HTTPStatus.BAD_REQUEST)


def test_the_largest_request_is_taken(api: Api) -> None:
    body = [sample(id=f"{number:05d}" + "y" * 75) for number in range(1_000)]
    assert push(api, *body).status == HTTPStatus.ACCEPTED
