"""One request and what must come back: from the demo site, from one that says what a test wants, from mean servers."""

import json
import re
from time import monotonic
from typing import Any

import pytest

from tests.contract.checks.conftest import RunningShop, get
from tests.contract.checks.scripted import Says, ScriptedSite
from tests.contract.raw_server import RawServer

_HEALTH = {"get": "/health", "expect": {"status": "healthy", "dependencies.database.status": "healthy"}}
_HEAD = b"HTTP/1.1 200 OK\r\nx-build-id: b1\r\n"
_SECRET = "hunter2-hunter2"


def test_a_healthy_site_passes_and_says_how_long_it_took(shop: RunningShop) -> None:
    found = get(shop.url, _HEALTH | {"build": "known_good", "within": "1s"})
    assert found.passed, found.note
    (step,) = found.evidence["steps"]
    assert re.fullmatch(r"GET /health: 200 in \d+ ms", found.note)
    assert step == {
        "request": "GET /health",
        "status": 200,
        "build": "b1",
        "latency_ms": step["latency_ms"],
        "note": "",
    }


@pytest.mark.parametrize(
    ("faults", "note"),
    [
        ({"database": "down"}, "GET /health: 503, expected 200"),
        ({"database": "degraded"}, "GET /health: status is not what was expected"),
        ({"fail_share": 1.0, "status": 500}, "GET /health: 500, expected 200"),
        ({"delay_ms": 400}, "GET /health: took "),
        ({"hang_share": 1.0}, "GET /health: 127.0.0.1 gave no whole answer: ReadTimeout"),
    ],
    ids=str,
)
def test_whatever_fails_the_site_fails_the_check(shop: RunningShop, faults: dict[str, Any], note: str) -> None:
    shop.break_with(**faults)
    found = get(shop.url, _HEALTH | {"within": "300ms", "timeout": "1s"})
    assert (found.passed, found.unanswered) == (False, "hang_share" in faults)
    assert found.note.startswith(note)


@pytest.mark.parametrize(
    ("status", "expected", "said"),
    [
        (200, 200, None),
        (204, "200-299", None),
        (300, "200-299", "300, expected 200-299"),
        (404, [200, 404], None),
        (403, [200, "404-410"], "403, expected 200 or 404-410"),
        (503, "500-599", None),
    ],
)
def test_the_status_lies_in_one_of_the_ranges(status: int, expected: Any, said: str | None) -> None:
    with ScriptedSite({"GET /x": Says(status)}) as site:
        found = get(site.url, {"get": "/x", "status": expected})
    assert found.passed is (said is None)
    assert said is None or found.note == f"GET /x: {said}"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('{"items": [{"id": 1}], "ok": true, "none": null}', None),
        ('{"items": [{"id": 1.0}], "ok": true, "none": null}', None),
        ('{"items": [{"id": true}], "ok": true, "none": null}', "items.0.id is not what was expected"),
        ('{"items": [{"id": "1"}], "ok": true, "none": null}', "items.0.id is not what was expected"),
        ('{"items": [], "ok": true, "none": null}', "items.0.id is missing"),
        ('{"items": [{"id": 1}], "ok": 1, "none": null}', "ok is not what was expected"),
        ('{"items": [{"id": 1}], "ok": true}', "none is missing"),
        ("", "the answer is no JSON that can be read"),
        ("<html>", "the answer is no JSON that can be read"),
        ('{"ok": NaN}', "the answer is no JSON that can be read"),
        ("[" * 100_000, "the answer is no JSON that can be read"),
        ('"' + "x" * 300_000 + '"', "the answer is no JSON that can be read"),
        ("1" * 10_000, "the answer is no JSON that can be read"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_values_of_the_answer_are_compared_as_json_tells_them_apart(body: str, said: str | None) -> None:
    with ScriptedSite({"GET /x": Says(body=body)}) as site:
        found = get(site.url, {"get": "/x", "expect": {"items.0.id": 1, "ok": True, "none": None}})
    assert found.passed is (said is None)
    assert said is None or found.note == f"GET /x: {said}"


def test_an_answer_that_nobody_looks_into_may_be_anything() -> None:
    with ScriptedSite({"GET /x": Says(body="<html>" + "x" * 300_000)}) as site:
        assert get(site.url, {"get": "/x"}).passed


@pytest.mark.parametrize(
    ("build", "said"),
    [
        ("b2", "answered by b2, expected b1"),
        ("", "answered by no build that is named, expected b1"),
        ("x" * 5_000, f"answered by {'x' * 80}, expected b1"),
    ],
    ids=["another", "none", "a novel"],
)
def test_the_build_that_answers_must_be_the_known_good(build: str, said: str) -> None:
    with ScriptedSite({"GET /x": Says(headers=(("X-Build-Id", build),))}) as site:
        assert get(site.url, {"get": "/x"}).passed
        assert get(site.url, {"get": "/x", "build": "known_good"}).note == f"GET /x: {said}"


def test_the_known_good_stands_wherever_it_is_named() -> None:
    with ScriptedSite({"GET /builds/b1": Says(body='{"build": "b1"}')}) as site:
        check = {"get": "/builds/{known_good}", "headers": {"x-wanted": "is {known_good}"}}
        assert get(site.url, check | {"expect": {"build": "{known_good}"}}).passed
        assert site.asked[0].headers["x-wanted"] == "is b1"


@pytest.mark.parametrize(
    "pieces",
    [
        (),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n",),
        (b"HTTP/1.1 two-hundred OK\r\n\r\n",),
        (_HEAD + b"Content-Length: 100\r\n\r\nok",),
        (_HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",),
        (_HEAD + b"x-much: " + b"x" * 200_000,),
    ],
    ids=["nothing", "garbage", "status", "half a body", "chunks", "an endless head"],
)
def test_a_broken_answer_is_a_result(pieces: tuple[bytes, ...]) -> None:
    with RawServer(*pieces) as server:
        found = get(server.url, {"get": "/x"})
    assert found.passed is False
    assert found.note.startswith("GET /x: 127.0.0.1 gave no whole answer: ")
    assert found.evidence["steps"][0]["status"] is None


def test_an_answer_that_drips_ends_at_the_time_out() -> None:
    with RawServer(_HEAD + b"Content-Length: 1000\r\n\r\n", *[b"x"] * 200, pause_s=0.05) as server:
        begun = monotonic()
        found = get(server.url, {"get": "/x", "timeout": "1s"})
        assert monotonic() - begun < 2
    assert found.passed is False


@pytest.mark.parametrize(
    ("url", "target", "said"),
    [
        ("http://127.0.0.1:9", "/x", "GET /x: 127.0.0.1 could not be reached: ConnectError"),
        (
            "http://127.0.0.1:9",
            "https://elsewhere.example/x",
            "GET elsewhere.example/x: the policy of orders does not name the host elsewhere.example (reach.hosts)",
        ),
        ("http://127.0.0.1:9", "https:///x", "GET /x: the target is no http or https address"),
        ("http://127.0.0.1:9", "https://a..b/x", "GET a..b/x: the target is no http or https address"),
        ("http://127.0.0.1:9", "/a/../b", "GET /a/../b: the path would climb by . or ..; expected one that leads"),
        ("http://169.254.169.254", "/x", "GET /x: 169.254.169.254 leads to 169.254.169.254, where a cloud keeps"),
    ],
)
def test_where_nothing_can_or_may_be_asked_is_a_result(url: str, target: str, said: str) -> None:
    found = get(url, {"get": target})
    assert found.passed is False
    assert found.note.startswith(said)


def test_a_redirect_is_the_answer_unless_the_policy_lets_it_be_followed() -> None:
    onward = Says(302, headers=(("location", "/there"),))
    with ScriptedSite({"GET /x": onward, "GET /there": Says(200, body='{"a": 1}')}) as site:
        check = {"get": "/x", "expect": {"a": 1}}
        assert get(site.url, check).note == "GET /x: 302, expected 200"
        assert get(site.url, check, reach="{redirects: 1}").passed
        assert site.lines == ["GET /x", "GET /x", "GET /there"]


@pytest.mark.parametrize("location", ["/there", "ftp://elsewhere.example", "http://[::1", "https://elsewhere.example/"])
def test_a_redirect_that_nobody_follows_may_lead_anywhere(location: str) -> None:
    with ScriptedSite({"GET /x": Says(302, headers=(("location", location),))}) as site:
        assert get(site.url, {"get": "/x", "status": 302}).passed


@pytest.mark.parametrize("location", ["ftp://elsewhere.example", "http://[::1", "http://h:99999"])
def test_a_redirect_to_what_is_no_address_is_a_result(location: str) -> None:
    with ScriptedSite({"GET /x": Says(302, headers=(("location", location),))}) as site:
        found = get(site.url, {"get": "/x"}, reach="{redirects: 1}")
    assert found.note == "GET /x: 127.0.0.1 redirects to what is no http or https address"


def test_no_more_redirects_are_followed_than_the_policy_lets() -> None:
    with ScriptedSite({"GET /x": Says(302, headers=(("location", "/x"),))}) as site:
        assert get(site.url, {"get": "/x"}, reach="{redirects: 3}").note == "GET /x: 302, expected 200"
        assert len(site.asked) == 4


def test_a_redirect_leads_to_named_hosts_only() -> None:
    with ScriptedSite() as other, ScriptedSite() as site:
        site.pages["GET /x"] = Says(302, headers=(("location", f"http://localhost:{other.port}/x"),))
        found = get(site.url, {"get": "/x"}, reach="{redirects: 1, private: true}")
        assert found.note.endswith("does not name the host localhost (reach.hosts)")
        assert other.asked == []


def test_no_secret_stands_in_what_is_told() -> None:
    """Whatever was sent or came back, in the right and in the wrong case."""
    answer = Says(body=json.dumps({"key": _SECRET}), headers=(("x-key", _SECRET),))
    with ScriptedSite({"GET /x": answer}) as site:
        check = {"get": f"/x?code={_SECRET}", "headers": {"authorization": _SECRET}, "expect": {"key": _SECRET}}
        good = get(site.url, check)
        bad = [
            get(site.url, check | more)
            for more in (
                {"expect": {"key": f"not {_SECRET}"}},
                {"status": 404},
                {"headers": {"authorization": f"{_SECRET}\r\nx: y"}},
                {"headers": {"authorization": f"{_SECRET} ü"}},
                {"headers": {f"{_SECRET}:": "x"}},
                {"get": f"https://{_SECRET}@elsewhere.example/"},
                {"get": f"https://a..b/x?code={_SECRET}"},
            )
        ]
    assert good.passed
    assert [found.passed for found in bad] == [False] * len(bad)
    told = json.dumps([[found.note, found.evidence] for found in (good, *bad)])
    assert _SECRET not in told.replace(f"{_SECRET}@elsewhere", "")
