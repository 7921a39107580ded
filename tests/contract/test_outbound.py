"""`Outbound` over real HTTP: where it goes, where it does not, and what it makes of what comes back.

A redirect is one more request under the same rules, and another origin is told less.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from time import monotonic

import pytest

from local.loopback import Reply
from shared.adapters.outbound import Outbound
from shared.errors import OutcomeUnknown, PermanentError, TransientError
from tests.contract.outbound_world import HERE, SOON, Names, Site, get, reaching
from tests.contract.raw_server import RawServer

_SECRET = "s3cret"
_LIMIT = 256 * 1024


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as running:
        yield running


@pytest.fixture
def elsewhere() -> Iterator[Site]:
    with Site() as running:
        yield running


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    return Names(monkeypatch)


def test_a_host_that_the_policy_names_is_asked(site: Site) -> None:
    sent = {"X-Api-Key": _SECRET, "Content-Type": "text/plain"}
    answer = Outbound().send(HERE, "post", f"{site.url}/a?b=c", headers=sent, body=b"hello", within=SOON)
    assert (answer.status, answer.json(), answer.cut) == (200, {"served": True}, False)
    (asked,) = site.asked
    assert (asked.method, asked.path, asked.body) == ("POST", "/a?b=c", b"hello")
    assert asked.headers["x-api-key"] == _SECRET
    assert answer.headers["CONTENT-LENGTH"] == str(len(answer.body))


def test_the_latency_is_that_of_the_whole_answer() -> None:
    with RawServer(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n", b"x", pause_s=0.05) as slow:
        begun = monotonic()
        answer = get(slow.url)
        assert 100 <= answer.latency_ms <= (monotonic() - begun) * 1000


@pytest.mark.parametrize("status", [100 + 104, 301, 304, 404, 500])
def test_every_status_is_an_answer(site: Site, status: int) -> None:
    site.answers["/"] = Reply(status=status)
    assert get(site.url).status == status


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://orders.example.evil/", "does not name the host orders.example.evil"),
        ("http://evil-orders.example/", "does not name the host evil-orders.example"),
        ("http://orders.example./", "does not name the host orders.example."),
        ("http://127.0.0.1@evil.example/", "holds a name or a password"),
        ("http://evil.example\\@127.0.0.1/", r"holds a name|does not name|no http"),
        ("http://2130706433/", "does not name the host"),
        ("http://0x7f.1/", "does not name the host"),
        ("http://[::1]/", "does not name the host ::1"),
        ("file:///etc/passwd", "no http or https address"),
        ("gopher://127.0.0.1/", "no http or https address"),
        ("//127.0.0.1/", "no http or https address"),
        ("http://", "no http or https address"),
    ],
)
def test_nothing_else_is(names: Names, url: str, why: str) -> None:
    with pytest.raises(PermanentError, match=why):
        get(url, reaching("127.0.0.1", "orders.example"))
    assert names.asked == []


def test_names_are_the_same_in_any_case(names: Names, site: Site) -> None:
    names.answers["orders.example"] = [["127.0.0.1"]]
    assert get(f"http://ORDERS.example:{site.port}/", reaching("Orders.EXAMPLE", private=True)).status == 200


def test_an_address_that_the_policy_writes_itself_may_be_private(site: Site) -> None:
    assert get(site.url, reaching("127.0.0.1")).status == 200


def test_a_name_leads_to_a_private_address_only_if_the_policy_allows_it(names: Names, site: Site) -> None:
    names.answers["shop.example"] = [["127.0.0.1"]]
    url = f"http://shop.example:{site.port}/"
    with pytest.raises(PermanentError, match=r"shop.example leads to 127.0.0.1, a loopback address; reach.private"):
        get(url, reaching("shop.example"))
    assert site.asked == []
    assert get(url, reaching("shop.example", private=True)).status == 200


def test_one_private_address_among_public_ones_is_enough_to_refuse(names: Names, site: Site) -> None:
    names.answers["shop.example"] = [["8.8.8.8", "127.0.0.1"]]
    names.played_by["8.8.8.8"] = site.port
    with pytest.raises(PermanentError, match="loopback"):
        get(f"http://shop.example:{site.port}/", reaching("shop.example"))
    assert site.asked == []


def test_a_name_that_changes_its_mind_is_looked_up_once(names: Names, site: Site, elsewhere: Site) -> None:
    """DNS rebinding: the address that is judged is public, the one of a second look-up would be ours."""
    names.answers["shop.example"] = [["8.8.8.8"], ["127.0.0.1"]]
    names.played_by["8.8.8.8"] = elsewhere.port
    assert get(f"http://shop.example:{site.port}/", reaching("shop.example")).status == 200
    assert (len(elsewhere.asked), len(site.asked), names.asked) == (1, 0, ["shop.example"])
    assert elsewhere.asked[0].headers["Host"] == f"shop.example:{site.port}"


@pytest.mark.parametrize("address", ["169.254.169.254", "168.63.129.16", "169.254.170.2", "100.100.100.200"])
@pytest.mark.parametrize("literally", [True, False])
def test_the_metadata_of_a_cloud_is_never_asked(names: Names, site: Site, address: str, literally: bool) -> None:
    names.played_by[address] = site.port
    names.answers["shop.example"] = [[address]]
    host = address if literally else "shop.example"
    with pytest.raises(PermanentError, match="where a cloud keeps credentials; no policy can allow that"):
        get(f"http://{host}/metadata", reaching(host, private=True))
    assert site.asked == []


@pytest.mark.parametrize("name", ["Host", "content-length", "Transfer-Encoding", "CONNECTION"])
def test_whom_a_request_is_for_is_not_for_a_header_to_say(site: Site, name: str) -> None:
    with pytest.raises(PermanentError, match=name.lower()):
        get(site.url, headers={name: "0"})
    assert site.asked == []


@pytest.mark.parametrize("value", [f"{_SECRET}\r\nX: y", f"{_SECRET}\x00", f"{_SECRET}–"])
def test_a_header_that_cannot_be_sent_is_not_told(site: Site, value: str) -> None:
    with pytest.raises(PermanentError) as caught:
        get(site.url, headers={"X-Key": value})
    assert _SECRET not in str(caught.value)
    assert site.asked == []


def test_a_long_body_is_cut(site: Site) -> None:
    site.answers["/long"] = Reply(body=b'"' + b"x" * _LIMIT + b'"')
    site.answers["/fits"] = Reply(body=b"1" * _LIMIT)
    long, fits = get(f"{site.url}/long"), get(f"{site.url}/fits")
    assert (long.cut, len(long.body), fits.cut, len(fits.body)) == (True, _LIMIT, False, _LIMIT)
    with pytest.raises(ValueError, match="longer than 256 KiB"):
        long.json()


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff", b'{"a": NaN}', b"[" * 100_000])
def test_what_is_no_json(site: Site, body: bytes) -> None:
    site.answers["/"] = Reply(body=body)
    with pytest.raises(ValueError, match=r"."):
        get(site.url).json()


def test_nobody_there_means_that_nothing_was_sent() -> None:
    with pytest.raises(TransientError, match=r"^127.0.0.1 could not be reached: ConnectError$") as caught:
        get("http://127.0.0.1:9/")
    assert not isinstance(caught.value, OutcomeUnknown)


def test_a_name_that_does_not_resolve_means_that_nothing_was_sent() -> None:
    with pytest.raises(TransientError, match=r"nowhere.invalid could not be reached") as caught:
        get("http://nowhere.invalid/", reaching("nowhere.invalid"))
    assert not isinstance(caught.value, OutcomeUnknown)


@pytest.mark.parametrize(
    "server",
    [
        RawServer,
        lambda: RawServer(b"garbage\r\n\r\n"),
        lambda: RawServer(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"),
        lambda: RawServer(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", hold=True),
        lambda: RawServer(hold=True),
        lambda: RawServer(*[b"x"] * 50, pause_s=0.02),
    ],
)
def test_no_whole_answer_means_that_it_may_have_been_done(server: Callable[[], RawServer]) -> None:
    with server() as odd:
        begun = monotonic()
        with pytest.raises(OutcomeUnknown, match=r"^127.0.0.1 gave no whole answer: \w+$"):
            Outbound().send(HERE, "POST", odd.url, body=b"x", within=timedelta(seconds=0.3))
        assert monotonic() - begun < 2


def test_a_redirect_is_an_answer_unless_it_may_be_followed(site: Site) -> None:
    site.redirect("/a", "/b")
    assert get(f"{site.url}/a").status == 302
    assert get(f"{site.url}/a", redirects=1).json() == {"served": True}


def test_a_redirect_too_many_is_an_answer(site: Site) -> None:
    site.redirect("/a", "/a")
    assert get(f"{site.url}/a", redirects=3).status == 302
    assert len(site.asked) == 4


@pytest.mark.parametrize(
    ("status", "method", "then"),
    [
        (301, "POST", "GET"),
        (302, "POST", "GET"),
        (303, "POST", "GET"),
        (303, "PUT", "GET"),
        (303, "HEAD", "HEAD"),
        (302, "PUT", "PUT"),
        (307, "POST", "POST"),
        (308, "POST", "POST"),
    ],
)
def test_the_method_after_a_redirect(site: Site, status: int, method: str, then: str) -> None:
    site.redirect("/a", "b", status)
    headers, body = {"Content-Type": "text/plain", "X-Key": _SECRET}, None if method == "HEAD" else b"hello"
    Outbound().send(HERE, method, f"{site.url}/a", headers=headers, body=body, within=SOON, redirects=1)
    _, asked = site.asked
    kept = then == method and body is not None
    assert (asked.method, asked.path, asked.body) == (then, "/b", b"hello" if kept else b"")
    assert ("content-type" in asked.headers) == (then == method)
    assert asked.headers["x-key"] == _SECRET


def test_another_origin_is_told_no_secrets(site: Site, elsewhere: Site) -> None:
    site.redirect("/a", f"{elsewhere.url}/b", 307)
    secrets = {"Authorization": _SECRET, "Cookie": _SECRET, "X-Signature": _SECRET, "x-functions-key": _SECRET}
    get(f"{site.url}/a", headers={**secrets, "Accept": "text/plain"}, redirects=1)
    (asked,) = elsewhere.asked
    assert _SECRET not in str(asked.headers)
    assert asked.headers["accept"] == "text/plain"


@pytest.mark.parametrize(
    ("location", "why"),
    [
        ("http://evil.example/", "does not name the host evil.example"),
        ("http://me:pw@127.0.0.1/", "holds a name or a password"),
        ("http://shop.example/", "a loopback address"),
        ("http://169.254.169.254/metadata", "where a cloud keeps credentials"),
        ("gopher://127.0.0.1/", "no http or https address"),
        ("http://[::1", "no http or https address"),
    ],
)
def test_a_redirect_is_judged_as_any_request(names: Names, site: Site, location: str, why: str) -> None:
    names.answers["shop.example"] = [["127.0.0.1"]]
    site.redirect("/a", location)
    with pytest.raises(PermanentError, match=why):
        get(f"{site.url}/a", reaching("127.0.0.1", "shop.example", "169.254.169.254"), redirects=2)
    assert len(site.asked) == 1


def test_after_a_redirect_it_may_have_been_done_whatever_comes(site: Site) -> None:
    site.redirect("/a", "http://127.0.0.1:9/")
    with pytest.raises(OutcomeUnknown):
        get(f"{site.url}/a", redirects=1)
