"""Names and ids in routes come from outside: whatever they hold, the answer is a proper 404."""

from http import HTTPStatus
from urllib.parse import quote

import pytest

from tests.functional.app.bodies import CHANGES, COMMANDS, DRILLS, KNOWN_GOOD, PROMOTIONS, ROLLBACKS, SAMPLES
from tests.functional.app.http_client import JSON_MEDIA, Api
from tests.functional.app.problems import refusal

pytestmark = pytest.mark.rig

# As they stand in the request line.
NAMES: dict[str, str] = {
    "another case": "Demo",
    "a space behind": "demo%20",
    "dots": "..",
    "encoded dots": "%2e%2e",
    "a slash": "demo%2Fx",
    "up and down": "..%2F..%2Fdemo",
    "a backslash": "demo%5C",
    "a quote": "demo'",
    "an OData filter": quote("demo' or PartitionKey ne '"),
    "a double quote": "%22demo%22",
    "a hash": "demo%23",
    "a question mark": "demo%3F",
    "a percent": "demo%25",
    "a null": "demo%00",
    "an escape": "demo%1b%5b31m",
    "a line break": "de%0Amo",
    "a delete": "%7F",
    "a line separator": quote("\u2028"),
    "not UTF-8": "%ff%fe",
    "a surrogate": "%ed%a0%80",
    "letters": quote("dëmo"),
    "a smile": quote("😀"),
    "right to left": quote("\u202eomed"),
    "a template": quote("{name}"),
    "long": "d" * 4_000,
    "long and wide": quote("ü" * 600),
}
every_name = pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())


@every_name
def test_no_such_workload_to_read(api: Api, name: str) -> None:
    for shown in ("", "/control", "/readiness"):
        answer = api.get(f"/api/workloads/{name}{shown}")
        assert "there is no workload" in refusal(answer, HTTPStatus.NOT_FOUND)


@every_name
def test_no_such_rollback(api: Api, name: str) -> None:
    for found in (name, f"demo.{name}", f"{name}.20240501T120000000000"):
        assert "there is no rollback" in refusal(api.get(f"/api/rollbacks/{found}"), HTTPStatus.NOT_FOUND)


@every_name
@pytest.mark.parametrize("route", [SAMPLES, KNOWN_GOOD, CHANGES, COMMANDS, PROMOTIONS, DRILLS, ROLLBACKS], ids=str)
def test_no_such_workload_to_change(api: Api, route: object, name: str) -> None:
    assert isinstance(route, type(SAMPLES))
    path = f"/api/workloads/{name}/{route}"
    answer = api.send_json(route.method, path, route.good)
    assert "there is no workload" in refusal(answer, HTTPStatus.NOT_FOUND)


@pytest.mark.parametrize("garbage", ["demo", "demo.", ".", "demo.20240501T120000000000", "demo.20240501T12000000000x"])
def test_garbage_ids_are_no_rollbacks(api: Api, garbage: str) -> None:
    assert "there is no rollback" in refusal(api.get(f"/api/rollbacks/{garbage}"), HTTPStatus.NOT_FOUND)


@pytest.mark.parametrize("query", ["?$filter=PartitionKey", "?name=shop", "?" + "q=" + "x" * 2_000, "?%ff=%00"])
def test_a_query_changes_nothing(api: Api, query: str) -> None:
    assert api.get(f"/api/workloads/demo{query}").json["name"] == "demo"


@pytest.mark.parametrize("path", ["/api/nothing", "/api/workloads/demo/nothing", "/api/rollbacks", "/"])
def test_no_route_or_another_method_is_never_trouble(api: Api, path: str) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert api.send(method, path, b"{}", JSON_MEDIA).status in (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED)
