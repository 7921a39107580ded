"""`Outbound` and redirects: each is one more request under the same rules, and another origin is told less."""

from collections.abc import Iterator

import pytest

from shared.adapters.outbound import Outbound
from shared.errors import OutcomeUnknown, PermanentError
from tests.contract.outbound_world import HERE, SOON, Names, Site, get, reaching

_SECRET = "s3cret"


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
