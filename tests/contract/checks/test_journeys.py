"""Requests in order, as a user makes them: what is carried along, where it ends, and what is cleaned up after it."""

import json
from time import monotonic
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.demo_site.shop import PASSWORD
from shared.adapters.checks.journeys import JourneyChecker
from shared.adapters.outbound import Outbound
from shared.model.policy_verify import Exchange, JourneyCheck
from tests.contract.checks.conftest import EXPECTED, RunningShop, policy_for, walk
from tests.contract.checks.scripted import Says, ScriptedSite
from tests.contract.raw_server import RawServer

_LOGIN = {"post": "/login", "body": {"user": "probe", "password": PASSWORD}, "capture": {"token": "token"}}
_BEARER = {"headers": {"Authorization": "Bearer {token}"}}
_TAKE = {
    "post": "/orders",
    "body": {"item": "hat", "quantity": 2},
    "status": 201,
    "expect": {"state": "open"},
    "capture": {"order": "id"},
    **_BEARER,
}
_SHOW = {"get": "/orders/{order}", "expect": {"id": "{order}", "item": "hat", "quantity": 2}, **_BEARER}
_CANCEL = {"delete": "/orders/{order}", "status": 204, **_BEARER}
_GONE = {"get": "/orders/{order}", "status": 404, **_BEARER}


def requests_of(part: list[dict[str, Any]]) -> list[tuple[str, int | None]]:
    return [(step["request"], step["status"]) for step in part]


def test_a_whole_journey_passes_and_leaves_nothing_behind(shop: RunningShop) -> None:
    steps = [one | {"build": "known_good"} for one in (_LOGIN, _TAKE, _SHOW)]
    found = walk(shop.url, *steps, clean_up=(_CANCEL, _GONE))
    assert found.passed, found.note
    assert found.note.startswith("3 of 3 steps in ")
    assert requests_of(found.evidence["steps"]) == [
        ("POST /login", 200),
        ("POST /orders", 201),
        ("GET /orders/{order}", 200),
    ]
    assert requests_of(found.evidence["clean_up"]) == [("DELETE /orders/{order}", 204), ("GET /orders/{order}", 404)]


@pytest.mark.parametrize(
    ("faults", "note", "cleaned"),
    [
        ({"fail_share": 1.0, "status": 503, "only": ["/login"]}, "step 1 of 3, POST /login: 503, expected 200", 0),
        ({"fail_share": 1.0, "only": ["/orders"]}, "step 2 of 3, POST /orders: 500, expected 201", 0),
        ({"database": "down"}, "step 1 of 3, POST /login: 503, expected 200", 0),
        ({"delay_ms": 300, "only": ["/orders"]}, "step 2 of 3, POST /orders: took ", 1),
    ],
    ids=["login", "orders", "database", "too slow"],
)
def test_a_journey_ends_at_the_first_step_that_fails(
    shop: RunningShop, faults: dict[str, Any], note: str, cleaned: int
) -> None:
    """An order that was taken too late was taken, and has to be cancelled."""
    shop.break_with(**faults)
    found = walk(shop.url, _LOGIN, _TAKE | {"within": "200ms"}, _SHOW, clean_up=(_CANCEL,))
    assert (found.passed, found.unanswered) == (False, False)
    assert found.note.startswith(note)
    assert requests_of(found.evidence["clean_up"]) == [("DELETE /orders/{order}", 204)] * cleaned


@pytest.mark.parametrize(
    ("step", "note"),
    [
        ({"status": 200}, "201, expected 200"),
        ({"expect": {"state": "shipped"}}, "state is not what was expected"),
        ({"build": "known_good"}, "answered by no build that is named, expected b1"),
        ({"capture": {"order": "id", "number": "number"}}, "number is missing, or not one line of text, so that"),
    ],
    ids=["status", "values", "build", "captures"],
)
def test_what_a_failed_step_left_behind_is_cleaned_up(step: dict[str, Any], note: str) -> None:
    pages = {"POST /orders": Says(201, '{"id": 7, "state": "open"}'), "DELETE /orders/7": Says(204)}
    take = {"post": "/orders", "status": 201, "capture": {"order": "id"}}
    with ScriptedSite(pages) as site:
        found = walk(
            site.url,
            take | step,
            {"get": "/never"},
            clean_up=({"delete": "/orders/{order}", "status": 204}, {"delete": "/numbers/{number}"}),
        )
        assert site.lines == ["POST /orders", "DELETE /orders/7"]
    assert found.passed is False
    assert found.note.startswith(f"step 1 of 2, POST /orders: {note}")


def test_a_clean_up_that_fails_is_told_but_fails_nothing() -> None:
    pages = {"POST /orders": Says(200, '{"id": 7}'), "DELETE /orders/7": Says(500), "DELETE /users/probe": Says()}
    with ScriptedSite(pages) as site:
        found = walk(
            site.url,
            {"post": "/orders", "capture": {"order": "id"}},
            clean_up=({"delete": "/orders/{order}"}, {"delete": "/users/probe"}),
        )
        assert site.lines[-1] == "DELETE /users/probe"
    assert found.passed
    assert found.note.endswith("; clean-up, DELETE /orders/{order}: 500, expected 200")


def test_a_clean_up_is_sent_even_when_the_site_is_gone() -> None:
    found = walk("http://127.0.0.1:9", {"get": "/"}, clean_up=({"delete": "/users/probe"},))
    assert (found.passed, found.unanswered) == (False, True)
    assert found.note == (
        "step 1 of 1, GET /: 127.0.0.1 could not be reached: ConnectError"
        "; clean-up, DELETE /users/probe: 127.0.0.1 could not be reached: ConnectError"
    )


def test_a_clean_up_may_capture_for_the_next() -> None:
    pages = {"GET /orders": Says(200, '{"items": [{"id": "a/b"}]}'), "DELETE /orders/a%2Fb": Says()}
    with ScriptedSite(pages) as site:
        look_up = {"get": "/orders", "capture": {"order": "items.0.id"}}
        found = walk(site.url, {"get": "/orders"}, clean_up=(look_up, {"delete": "/orders/{order}"}))
    assert found.evidence["clean_up"][1]["status"] == 200


def test_captured_values_go_into_target_headers_and_body() -> None:
    given = '{"token": "a b/c?d", "id": 7, "yes": true}'
    with ScriptedSite({"GET /a": Says(200, given), "PUT /a%20b%2Fc%3Fd/7": Says()}) as site:
        captures = {"get": "/a", "capture": {"token": "token", "id": "id", "yes": "yes"}}
        use = {
            "put": "/{token}/{id}?t={token}",
            "headers": {"X-Id": "{id} of {token}", "Content-Type": "application/merge-patch+json"},
            "body": {"ids": ["{id}", 7], "said": "{yes}, {known_good}", "{id}": None},
        }
        assert walk(site.url, captures, use).passed
    asked = site.asked[1]
    assert asked.path == "/a%20b%2Fc%3Fd/7?t=a%20b%2Fc%3Fd"
    assert (asked.headers["x-id"], asked.headers["content-type"]) == ("7 of a b/c?d", "application/merge-patch+json")
    assert json.loads(asked.body) == {"ids": ["7", 7], "said": "true, b1", "{id}": None}


def test_a_body_is_json_and_says_so_and_no_body_is_none() -> None:
    with ScriptedSite({"POST /a": Says(), "DELETE /a": Says()}) as site:
        assert walk(site.url, {"post": "/a", "body": "ü"}, {"delete": "/a"}).passed
    first, last = site.asked
    assert (json.loads(first.body), first.headers["content-type"]) == ("ü", "application/json")
    assert (last.body, "content-type" in last.headers) == (b"", False)


@pytest.mark.parametrize("value", ["..", ".", "a\\r\\nx-role: admin"])
def test_a_captured_value_cannot_steer_the_next_request(value: str) -> None:
    with ScriptedSite({"GET /a": Says(200, f'{{"id": "{value}"}}')}) as site:
        found = walk(site.url, {"get": "/a", "capture": {"id": "id"}}, {"delete": "/orders/{id}"})
        assert site.lines == ["GET /a"]
    assert found.passed is False


def test_a_name_that_was_never_captured_is_a_result() -> None:
    with ScriptedSite({"GET /a": Says()}) as site:
        found = walk(site.url, {"get": "/a", "expect": {"id": "{order}"}})
        assert site.asked == []
    assert found.note == "step 1 of 1, GET /a: {order} stands for nothing that was captured"


def test_a_header_that_http_cannot_send_is_a_result() -> None:
    with ScriptedSite({"GET /a": Says(200, '{"id": "ü"}')}) as site:
        found = walk(site.url, {"get": "/a", "capture": {"id": "id"}}, {"get": "/a", "headers": {"x": "{id}"}})
    assert found.note == "step 2 of 2, GET /a: a header holds what is no ASCII, which HTTP cannot send"


def test_cookies_are_kept_within_a_journey_and_not_beyond_it(shop: RunningShop) -> None:
    steps: list[dict[str, Any]] = [_LOGIN, {**_TAKE, "headers": {}}, {**_SHOW, "headers": {}}]
    assert walk(shop.url, *steps, clean_up=({**_CANCEL, "headers": {}},)).passed
    assert walk(shop.url, steps[1]).note == "step 1 of 1, POST /orders: 401, expected 201"


def test_cookies_end_when_the_site_says_so_and_stand_beside_those_of_the_policy() -> None:
    sets = (("set-cookie", "a=1; Path=/; HttpOnly"), ("set-cookie", "b=2; Path=/in"))
    pages = {"GET /set": Says(headers=sets), "GET /in": Says(), "GET /out": Says()}
    pages["GET /end"] = Says(headers=(("set-cookie", "a=; Max-Age=0; Path=/"),))
    with ScriptedSite(pages) as site:
        pinned = {"headers": {"Cookie": "x-ms-routing-name=self"}}
        assert walk(site.url, {"get": "/set"}, {"get": "/in", **pinned}, {"get": "/end"}, {"get": "/out"}).passed
    _, inside, _, outside = (asked.headers.get("cookie") for asked in site.asked)
    assert inside is not None
    assert sorted(inside.split("; ")) == ["a=1", "b=2", "x-ms-routing-name=self"]
    assert outside is None


def test_a_cookie_that_cannot_be_sent_back_is_left_out() -> None:
    answer = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=\xff; Path=/\r\nSet-Cookie: b=2; Path=/\r\nContent-Length: 0\r\n\r\n"
    with RawServer(answer) as site:
        assert walk(site.url, {"get": "/a"}, {"get": "/a"}).passed
        assert b"b=2" in site.heard


def test_cookies_of_one_host_are_not_told_to_another() -> None:
    with ScriptedSite() as other, ScriptedSite() as site:
        for one in (site, other):
            one.pages["GET /a"] = Says(headers=(("set-cookie", f"from={one.port}; Path=/"),))
        there = {"get": f"http://localhost:{other.port}/a"}
        reach = "{hosts: [localhost], private: true}"
        assert walk(site.url, {"get": "/a"}, there, there, {"get": "/a"}, reach=reach).passed
    assert [asked.headers.get("cookie") for asked in site.asked] == [None, f"from={site.port}"]
    assert [asked.headers.get("cookie") for asked in other.asked] == [None, f"from={other.port}"]


def test_a_login_that_redirects_hands_its_cookie_on() -> None:
    """The answer that sets the cookie is the redirect itself, which nobody else sees."""
    signed_in = Says(302, headers=(("location", "/account"), ("set-cookie", "session=s1; Path=/")))
    with ScriptedSite({"POST /login": signed_in, "GET /account": Says(200, '{"user": "probe"}')}) as site:
        login = {"post": "/login", "body": {"user": "probe"}, "expect": {"user": "probe"}}
        assert walk(site.url, login, reach="{redirects: 1}").passed
        assert site.lines == ["POST /login", "GET /account"]
        assert (site.asked[1].headers["cookie"], site.asked[1].body) == ("session=s1", b"")


def test_a_redirect_to_another_host_takes_no_secret_along() -> None:
    with ScriptedSite({"GET /a": Says()}) as other, ScriptedSite() as site:
        onward = ("location", f"http://localhost:{other.port}/a")
        site.pages["GET /a"] = Says(302, headers=(onward, ("set-cookie", "session=s1; Path=/")))
        step = {"get": "/a", "headers": {"Authorization": "hunter2", "X-Key": "hunter2", "Cookie": "k=hunter2"}}
        assert walk(site.url, step, step, reach="{hosts: [localhost], private: true, redirects: 1}").passed
    assert [sorted(asked.headers.keys() & {"authorization", "x-key", "cookie"}) for asked in other.asked] == [[], []]
    assert site.asked[1].headers["cookie"] == "k=hunter2; session=s1"


@pytest.mark.parametrize(
    ("delay_ms", "note"), [(300, " ms, expected at most 500 ms"), (5_000, "gave no whole answer: ReadTimeout")]
)
def test_all_redirects_of_a_request_share_its_time(shop: RunningShop, delay_ms: int, note: str) -> None:
    shop.break_with(delay_ms=delay_ms)
    onward = f"HTTP/1.1 302 Found\r\nLocation: {shop.url}/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    with RawServer(onward.encode(), pause_s=0.4) as site:
        begun = monotonic()
        found = walk(site.url, {"get": "/a", "within": "500ms"}, timeout="1s", reach="{redirects: 1}")
        assert monotonic() - begun < 1.3, "the second request has what the first one left"
    assert note in found.note


_TEXTS = st.text(max_size=12) | st.sampled_from(
    ["{a}", "x{known_good}", "\ud800", "ü", "\r\n", "\x00", "Host", "cookie"]
)
_JSON = st.recursive(_TEXTS | st.none() | st.integers() | st.floats(), lambda inner: st.lists(inner, max_size=2))


@given(
    answer=st.dictionaries(st.just("a"), _JSON).map(json.dumps) | st.text(max_size=12, alphabet='{}[]a1"\\'),
    target=_TEXTS,
    headers=st.dictionaries(_TEXTS, _TEXTS, max_size=2),
    body=_JSON,
    told=st.lists(st.tuples(st.just("set-cookie"), st.text('ab=; "', max_size=12).map(str.strip)), max_size=2),
)
def test_whatever_is_asked_and_answered_there_is_a_result(
    answer: str, target: str, headers: dict[str, str], body: Any, told: list[tuple[str, str]]
) -> None:
    first = Exchange(get="/a", capture={"a": "a"})
    second = first.model_copy(update={"get": None, "post": f"/{target}", "headers": headers, "body": body})
    check = JourneyCheck(journey=(first,)).model_copy(update={"journey": (first, second)})
    with ScriptedSite({"GET /a": Says(200, answer, tuple(told))}) as site:
        found = JourneyChecker(Outbound()).check(policy_for(site.url), check, EXPECTED)
    assert found.passed is False
    assert found.note.startswith("step ")


def test_no_captured_value_stands_in_what_is_told() -> None:
    secret = "hunter2-hunter2"
    pages = {
        "POST /login": Says(200, json.dumps({"token": secret}), (("set-cookie", f"session={secret}"),)),
        f"GET /{secret}": Says(500, secret),
        f"DELETE /{secret}": Says(500, secret),
    }
    with ScriptedSite(pages) as site:
        login = {"post": "/login", "body": {"password": secret}, "capture": {"token": "token"}}
        use = {"get": "/{token}?t={token}", "headers": {"authorization": "{token}"}}
        found = walk(site.url, login, use, clean_up=({"delete": "/{token}"},))
        absent = walk(site.url, login, {"get": "https://elsewhere.example/{token}"})
        wrong = walk(site.url, login | {"expect": {"token": "{known_good}"}})
        assert len(site.asked) == 5
    assert [one.passed for one in (found, absent, wrong)] == [False] * 3
    assert secret not in json.dumps([[one.note, one.evidence] for one in (found, absent, wrong)])
