"""What one kind of client is served, told by sightings that a test chose and by real servers."""

from dataclasses import replace
from datetime import timedelta
from time import sleep

import pytest

from shared.adapters.checks.clients import ClientChecker
from shared.adapters.probe import HttpProber
from shared.clock import utc_now
from shared.model.policy_verify import Client, ClientCheck
from shared.ports import CheckResult, Expected, Sighting
from tests.contract.checks.conftest import EXPECTED, SOON, RunningShop, policy_for
from tests.contract.raw_server import RawServer
from tests.fakes.clock import NOON, FakeClock
from tests.fakes.policies import policy
from tests.fakes.prober import PlayedProber

_GOOD = Sighting(client=Client.FRESH, status=200, build="b1", latency_ms=1.26, connection_age_s=60.04)
_CACHED = replace(_GOOD, cached=True)
_LATE = replace(_GOOD, status=None, build="", note="no whole answer within 5 s")
_UNREACHED = replace(
    _GOOD, status=None, build="", answered=False, connection_age_s=0.0, note="the site could not be reached: X"
)
_ANSWER = b"HTTP/1.1 200 OK\r\nx-build-id: b1\r\nContent-Length: 2\r\n\r\nok"
_LAST_ANSWER = _ANSWER.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")


def judged(*seen: Sighting, client: Client = Client.FRESH, slot: str = "self", after_s: float = 60) -> CheckResult:
    """Judge what was seen so many seconds after the change."""
    checker = ClientChecker(PlayedProber(seen), FakeClock(NOON + timedelta(seconds=after_s)))
    return checker.check(policy(), ClientCheck(client=client, slot=slot), EXPECTED)


@pytest.mark.parametrize(
    ("seen", "passed", "note"),
    [
        ([_GOOD, _GOOD], True, "fresh clients see b1"),
        ([_GOOD, replace(_GOOD, build="b2")], False, "fresh clients see b1 (1), b2 (1); expected b1"),
        ([replace(_GOOD, status=404)], True, "fresh clients see b1"),
        ([replace(_GOOD, status=500)], False, "fresh clients see 500 of b1 (1); expected b1"),
        ([replace(_GOOD, build="")], False, "fresh clients see no build that is named (1); expected b1"),
        ([_LATE, _GOOD], False, "fresh clients see no whole answer within 5 s (1), b1 (1); expected b1"),
        ([_LATE], False, "fresh clients see no whole answer within 5 s (1); expected b1"),
        ([_GOOD, _UNREACHED], False, "fresh clients see b1 (1), the site could not be reached: X (1); expected b1"),
        ([_UNREACHED, _UNREACHED], False, "fresh clients reached nothing: the site could not be reached: X"),
    ],
)
def test_every_request_of_a_look_must_be_served_by_the_known_good(
    seen: list[Sighting], passed: bool, note: str
) -> None:
    assert (judged(*seen).passed, judged(*seen).note) == (passed, note)


_OTHER_BUILD = replace(_GOOD, build="b2")


@pytest.mark.parametrize(
    ("seen", "unanswered"),
    [
        ([_GOOD], False),
        ([_LATE], True),
        ([_UNREACHED, _UNREACHED], True),
        ([_GOOD, _LATE, _UNREACHED], True),
        ([_CACHED, _UNREACHED], True),
        ([_OTHER_BUILD, _LATE], False),
        ([replace(_GOOD, status=500), _UNREACHED], False),
        ([_CACHED], False),
    ],
)
def test_what_failed_for_want_of_an_answer_alone_says_so(seen: list[Sighting], unanswered: bool) -> None:
    assert judged(*seen).unanswered is unanswered


@pytest.mark.parametrize(
    ("age_s", "build", "passed"),
    [(60, "b1", True), (60, "b2", False), (59.9, "b1", None), (59.9, "b2", None)],
)
def test_a_kept_connection_counts_when_it_is_older_than_the_change(
    age_s: float, build: str, passed: bool | None
) -> None:
    found = judged(replace(_GOOD, build=build, connection_age_s=age_s), client=Client.KEPT_ALIVE)
    assert found.passed is passed
    if passed is None:
        assert found.note == "no connection from before the change was open here"


def test_a_path_that_is_blind_is_no_connection_that_came_too_late() -> None:
    assert judged(_UNREACHED, client=Client.KEPT_ALIVE).passed is False


@pytest.mark.parametrize(
    ("seen", "passed", "note"),
    [
        ([_CACHED, _CACHED], None, "fresh clients were answered by a cache alone, which says nothing"),
        ([_CACHED, replace(_CACHED, build="b2")], None, "fresh clients were answered by a cache alone, which says"),
        ([_CACHED, _GOOD], True, "fresh clients see b1"),
        ([_CACHED, replace(_GOOD, build="b2")], False, "fresh clients see b2 (1); expected b1"),
        ([replace(_CACHED, build="b2"), _GOOD], True, "fresh clients see b1"),
        ([_CACHED, _UNREACHED], False, "fresh clients see the site could not be reached: X (1); expected b1"),
    ],
)
def test_what_a_cache_remembers_is_no_proof_of_what_is_served_now(
    seen: list[Sighting], passed: bool | None, note: str
) -> None:
    found = judged(*seen)
    assert found.passed is passed
    assert found.note.startswith(note)
    assert [one["cached"] for one in found.evidence["requests"]] == [sighting.cached for sighting in seen]


def test_an_old_connection_to_a_cache_says_as_little_as_a_young_one_to_the_site() -> None:
    assert judged(_CACHED, replace(_GOOD, connection_age_s=1.0), client=Client.KEPT_ALIVE).passed is None


def test_a_cache_is_told_by_the_age_of_its_answer(prober: HttpProber) -> None:
    with RawServer(_LAST_ANSWER.replace(b"\r\n\r\n", b"\r\nAge: 30\r\n\r\n")) as server:
        check = ClientCheck(client=Client.FRESH, requests=1, timeout=SOON)
        assert ClientChecker(prober).check(policy_for(server.url), check, EXPECTED).passed is None


def test_old_and_young_kept_connections_are_told_apart_in_one_look() -> None:
    old, young = replace(_GOOD, build="b2"), replace(_GOOD, connection_age_s=1.0)
    assert judged(young, old, client=Client.KEPT_ALIVE).note == "kept-alive clients see b2 (1); expected b1"


def test_pinned_clients_are_told_apart_by_their_slot() -> None:
    stuck = replace(_GOOD, build="b2")
    assert judged(stuck, client=Client.PINNED).note.startswith("clients pinned to production see b2")
    assert judged(stuck, client=Client.PINNED, slot="candidate").note.startswith("clients pinned to candidate see b2")


def test_what_was_seen_is_shown_and_a_build_is_no_place_for_a_novel() -> None:
    shown = judged(_GOOD, replace(_GOOD, build="b" * 5_000)).evidence["requests"]
    assert shown[0] == {
        "status": 200,
        "build": "b1",
        "latency_ms": 1.3,
        "connection_age_s": 60.0,
        "cached": False,
        "note": "",
    }
    assert len(shown[1]["build"]) < 100


def test_the_check_says_where_how_often_and_for_how_long() -> None:
    prober = PlayedProber([_GOOD])
    check = ClientCheck(
        client=Client.PINNED, path="/p", at="https://f.example", requests=3, slot="candidate", timeout=SOON
    )
    ClientChecker(prober).check(policy(), check, EXPECTED)
    assert prober.asked == [(Client.PINNED, "/p", 3, SOON, "https://f.example", "candidate")]


@pytest.mark.parametrize("client", [Client.FRESH, Client.PINNED])
def test_the_demo_site_is_seen_until_it_fails(prober: HttpProber, shop: RunningShop, client: Client) -> None:
    check = ClientCheck(client=client, path="/health", requests=4, timeout=SOON)
    checker, chosen = ClientChecker(prober), policy_for(shop.url)
    assert checker.check(chosen, check, EXPECTED).passed
    shop.break_with(fail_share=1.0, status=502)
    failed = checker.check(chosen, check, EXPECTED)
    assert (failed.passed, [one["status"] for one in failed.evidence["requests"]]) == (False, [502] * 4)


@pytest.mark.parametrize(
    ("client", "cookie"), [(Client.PINNED, b"\r\nCookie: x-ms-routing-name=candidate\r\n"), (Client.FRESH, None)]
)
def test_only_a_pinned_client_holds_the_cookie_of_its_slot(
    prober: HttpProber, client: Client, cookie: bytes | None
) -> None:
    with RawServer(_LAST_ANSWER) as server:
        check = ClientCheck(client=client, slot="candidate", timeout=SOON)
        assert ClientChecker(prober).check(policy_for(server.url), check, EXPECTED).passed
        assert (cookie in server.heard) if cookie else (b"Cookie" not in server.heard)


def test_a_connection_is_kept_for_each_front_and_tells_how_old_it_is(prober: HttpProber, shop: RunningShop) -> None:
    with RawServer(_LAST_ANSWER) as other:
        chosen = policy_for(shop.url, "{hosts: [127.0.0.1]}")
        here = ClientCheck(client=Client.KEPT_ALIVE, timeout=SOON)
        there = here.model_copy(update={"at": other.url})
        checker = ClientChecker(prober)
        before_it = Expected(known_good="b1", since=utc_now())
        assert checker.check(chosen, here, before_it).passed is None
        sleep(0.5)  # or a machine that pauses for a moment makes the connection too young to count
        opened = Expected(known_good="b1", since=utc_now())
        assert checker.check(chosen, there, opened).passed is None
        assert checker.check(chosen, here, opened).passed
        # This server closes after every answer, so that the next connection is always a young one.
        assert checker.check(chosen, there, opened).passed is None


def test_an_old_connection_that_is_not_answered_any_more_has_failed(prober: HttpProber, shop: RunningShop) -> None:
    check, checker = ClientCheck(client=Client.KEPT_ALIVE, timeout=timedelta(seconds=1)), ClientChecker(prober)
    checker.check(policy_for(shop.url), check, EXPECTED)
    opened = Expected(known_good="b1", since=utc_now())
    shop.break_with(hang_share=1.0)
    hung = checker.check(policy_for(shop.url), check, opened)
    assert (hung.passed, hung.note) == (False, "kept-alive clients see no whole answer within 1 s (1); expected b1")
    shop.break_with()
    assert checker.check(policy_for(shop.url), check, opened).passed is None, "what follows is a new connection"


def test_a_front_may_be_written_with_its_last_slash(prober: HttpProber) -> None:
    with RawServer(_LAST_ANSWER) as server:
        check = ClientCheck(client=Client.FRESH, at=f"{server.url}/", path="/p", timeout=SOON)
        assert ClientChecker(prober).check(policy_for(server.url), check, EXPECTED).passed
        assert server.heard.startswith(b"GET /p HTTP/1.1\r\n")


def test_a_front_that_the_policy_does_not_name_is_not_asked(prober: HttpProber) -> None:
    with RawServer(_LAST_ANSWER) as server:
        check = ClientCheck(client=Client.FRESH, at=f"http://127.0.0.1:{server.port}", timeout=SOON)
        found = ClientChecker(prober).check(policy(), check, EXPECTED)
        assert (found.passed, server.heard) == (False, b"")
    assert found.note.endswith("does not name the host 127.0.0.1 (reach.hosts)")


@pytest.mark.parametrize("client", Client)
def test_a_name_leads_to_a_private_address_only_where_the_policy_lets_it(prober: HttpProber, client: Client) -> None:
    """A connection that one policy may keep open is not used for another that may not."""
    with RawServer(_LAST_ANSWER) as server:
        check = ClientCheck(client=client, timeout=SOON)
        url, checker = f"http://localhost:{server.port}", ClientChecker(prober)
        assert checker.check(policy_for(url, "{private: true}"), check, EXPECTED).passed is not False
        refused = checker.check(policy_for(url), check, EXPECTED)
    assert refused.passed is False
    assert "reach.private" in refused.note


def test_an_address_where_a_cloud_keeps_credentials_is_never_asked(prober: HttpProber) -> None:
    chosen = policy_for("http://169.254.169.254", "{private: true}")
    found = ClientChecker(prober).check(chosen, ClientCheck(client=Client.FRESH, timeout=SOON), EXPECTED)
    assert "credentials" in found.note
