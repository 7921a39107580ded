"""A body that cannot be used is refused with its reason, on every route, and disturbs nobody else."""

from http import HTTPStatus

import pytest

from shared.adapters.tables import TableLedger
from shared.engine.records import snapshot
from tests.functional.app.bodies import HUGE, NO_SUCH_THING, ROUTES, SAMPLES, UNREADABLE, Route, sample
from tests.functional.app.http_client import JSON_MEDIA, Api
from tests.functional.app.problems import refusal
from tests.functional.app.waiting import wait_until

pytestmark = pytest.mark.rig
every_route = pytest.mark.parametrize("route", ROUTES, ids=str)


@every_route
@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_is_no_json_is_refused(api: Api, route: Route, body: bytes) -> None:
    reason = refusal(api.send(route.method, route.path, body, JSON_MEDIA), HTTPStatus.BAD_REQUEST)
    assert reason.startswith("body: not valid JSON in UTF-8: ")


@every_route
@pytest.mark.parametrize("body", NO_SUCH_THING.values(), ids=NO_SUCH_THING.keys())
def test_json_that_is_no_such_thing_is_refused(api: Api, route: Route, body: bytes) -> None:
    reason = refusal(api.send(route.method, route.path, body, JSON_MEDIA), HTTPStatus.BAD_REQUEST)
    where, _, what = reason.partition(": ")
    assert where
    assert what


@every_route
@pytest.mark.parametrize("body", HUGE.values(), ids=HUGE.keys())
def test_too_much_is_refused_however_it_is_sent(api: Api, route: Route, body: bytes) -> None:
    for answer in (
        api.send(route.method, route.path, body, JSON_MEDIA),
        api.send_chunked(route.method, route.path, body),
    ):
        reason = refusal(answer, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        assert reason == f"body: {len(body):,} bytes; expected at most 1,000,000"


@every_route
@pytest.mark.parametrize(
    "media", ["text/plain", "application/xml", "multipart/form-data; boundary=x", "json", "a/b;" * 99]
)
def test_another_content_type_is_refused(api: Api, route: Route, media: str) -> None:
    answer = api.send(route.method, route.path, b"{}", {"Content-Type": media})
    assert "expected application/json" in refusal(answer, HTTPStatus.UNSUPPORTED_MEDIA_TYPE)


@pytest.mark.parametrize(
    "media", ["application/json; charset=utf-8", "APPLICATION/JSON", "application/cloudevents+json", ""]
)
def test_every_spelling_of_json_is_taken(api: Api, media: str) -> None:
    body = b'{"build": "b7"}'
    assert api.send("PUT", "/api/workloads/orders/known-good", body, {"Content-Type": media}).status == HTTPStatus.OK


@pytest.mark.timeout(300)  # some hundred requests
def test_good_samples_between_bad_requests_all_arrive(api: Api, ledger: TableLedger) -> None:
    sent = []
    for body in (*UNREADABLE.values(), *NO_SUCH_THING.values(), *HUGE.values()):
        for route in ROUTES:
            refusal(api.send(route.method, route.path, body, JSON_MEDIA))
        good = sample()
        assert api.send_json(SAMPLES.method, SAMPLES.path, {"samples": [good]}).status == HTTPStatus.ACCEPTED
        sent.append(good["at"])

    def all_arrived() -> bool:
        series = snapshot(ledger, "demo").watch.series.get("confidence", ())
        return {one.at.isoformat() for one in series} >= set(sent)

    wait_until(all_arrived)
    newest = api.get("/api/workloads/demo").json["signals"]["confidence"]
    assert newest["value"] == 9.5
    assert newest["outcome"] == "measured"
