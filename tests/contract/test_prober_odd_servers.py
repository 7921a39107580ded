"""`HttpProber` and servers that keep to no rules: every look is a sighting, and ends within its time."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import active_count
from time import monotonic

import pytest

from shared.adapters.probe import HttpProber
from shared.model.policy_verify import Client
from shared.ports import Sighting
from tests.contract.raw_server import RawServer
from tests.fakes.policies import policy

_HASTY = timedelta(seconds=0.3)
_LATE_S = 0.8  # what a busy machine may add
_HEAD = b"HTTP/1.1 200 OK\r\nx-build-id: b2\r\n"


@pytest.fixture(scope="session")
def prober() -> Iterator[HttpProber]:
    """One for all tests, because like all adapters it keeps its connections to the end."""
    with ThreadPoolExecutor(2) as pool:
        yield HttpProber(pool)


def look(prober: HttpProber, url: str, client: Client = Client.FRESH, path: str = "/") -> Sighting:
    written = policy(("notify:", "reach: {private: true}\nnotify:"))
    chosen = written.model_copy(update={"site": written.site.model_copy(update={"url": url})})
    (seen,) = prober.look(chosen, path, client, 1, timeout=_HASTY)
    return seen


_LAST = _HEAD + b"Connection: close\r\n"
_WHOLE_ANSWERS = {
    "connection: close": _LAST + b"Content-Length: 2\r\n\r\nok",
    "until the end": _LAST + b"\r\nok",
    "HTTP/1.0": b"HTTP/1.0 200 OK\r\nx-build-id: b2\r\n\r\nok",
    "HTTP/1.0 with a length": b"HTTP/1.0 200 OK\r\nx-build-id: b2\r\nContent-Length: 2\r\n\r\nok",
    "content that is not what it says": _LAST + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope",
    "more than is read": _LAST + b"Content-Length: 200000\r\n\r\n" + b"x" * 200_000,
    "an informational answer first": b"HTTP/1.1 103 Early Hints\r\n\r\n" + _LAST + b"Content-Length: 2\r\n\r\nok",
    "a header that is no ASCII": _LAST + b"x-owner: \xff\xe9\r\nContent-Length: 2\r\n\r\nok",
}


@pytest.mark.parametrize("client", Client)
@pytest.mark.parametrize("answer", _WHOLE_ANSWERS)
def test_a_whole_answer_is_seen_even_when_the_connection_ends_with_it(
    prober: HttpProber, answer: str, client: Client
) -> None:
    with RawServer(_WHOLE_ANSWERS[answer]) as server:
        for _ in range(2):
            seen = look(prober, server.url, client)
            assert (seen.status, seen.build, seen.answered, seen.served) == (200, "b2", True, True), seen.note


_BROKEN_ANSWERS = {
    "nothing": (),
    "garbage": (b"SSH-2.0-OpenSSH_9.2\r\n\r\n",),
    "garbage status": (b"HTTP/1.1 two-hundred OK\r\n\r\n",),
    "half a head": (b"HTTP/1.1 200 OK\r\nx-build",),
    "half a body": (_HEAD + b"Content-Length: 100\r\n\r\nok",),
    "garbage chunks": (_HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",),
    "an endless head": (_HEAD + b"x-much: " + b"x" * 200_000,),
}


@pytest.mark.parametrize("client", Client)
@pytest.mark.parametrize("answer", _BROKEN_ANSWERS)
def test_a_broken_answer_is_no_answer(prober: HttpProber, answer: str, client: Client) -> None:
    with RawServer(*_BROKEN_ANSWERS[answer]) as server:
        seen = look(prober, server.url, client)
    assert (seen.status, seen.answered, seen.served) == (None, False, False)
    assert seen.note


@pytest.mark.parametrize(
    ("pieces", "build"),
    [
        ([bytes([letter]) for letter in b"HTTP/1.1 200 OK\r\n" + b"x-drip: 1\r\n" * 20], ""),
        ([b"HTTP/1.1 103 Early Hints\r\n\r\n"] * 200, ""),
        ([_HEAD + b"Content-Length: 1000\r\n\r\n", *[b"x"] * 200], "b2"),
        ([_HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *[b"1\r\nx\r\n"] * 200], "b2"),
    ],
    ids=["head", "informational answers", "body", "chunks"],
)
@pytest.mark.parametrize("client", Client)
def test_an_answer_that_drips_ends_at_the_time_out_and_failed(
    prober: HttpProber, pieces: list[bytes], build: str, client: Client
) -> None:
    """Each piece is there long before a wait for one piece would end."""
    with RawServer(*pieces, pause_s=0.05) as server:
        begun = monotonic()
        seen = look(prober, server.url, client)
        assert monotonic() - begun < _HASTY.total_seconds() + _LATE_S
    assert (seen.status, seen.build, seen.answered, seen.served) == (None, build, True, False)
    assert seen.note == "no whole answer within 0.3 s"


def test_a_handshake_that_stalls_is_no_answer_at_the_time_out(prober: HttpProber) -> None:
    with RawServer(hold=True) as server:
        begun = monotonic()
        seen = look(prober, f"https://127.0.0.1:{server.port}")
        assert monotonic() - begun < _HASTY.total_seconds() + _LATE_S
    assert (seen.status, seen.answered) == (None, False)


def test_servers_that_hold_on_keep_no_thread(prober: HttpProber) -> None:
    with RawServer(_HEAD, *[b"x"] * 200, pause_s=0.05) as slow, RawServer(_WHOLE_ANSWERS["HTTP/1.0"]) as quick:
        look(prober, quick.url)
        look(prober, slow.url)
        look(prober, slow.url, Client.KEPT_ALIVE)
        assert look(prober, quick.url).served
    before = active_count()
    with RawServer(_WHOLE_ANSWERS["HTTP/1.0"]) as quick:
        look(prober, quick.url)
    assert active_count() <= before


def test_a_name_with_several_addresses_is_reached_by_the_one_that_answers(prober: HttpProber) -> None:
    """`localhost` is often ::1 as well, where this server does not listen."""
    with RawServer(_WHOLE_ANSWERS["HTTP/1.0"]) as server:
        assert look(prober, f"http://localhost:{server.port}").served


@pytest.mark.parametrize("client", Client)
@pytest.mark.parametrize(
    "url",
    [
        "http://[::1",
        "http://h:x",
        "http://h:99999",
        "http://a..b",
        "http://" + "a" * 70 + ".example",
        "http://a\udcff",
        "http://\x00",
        "http://xn--",
        "http://%zz",
        "http://.",
        "ftp://127.0.0.1:9",
        "http://",
        "",
    ],
    ids=ascii,
)
def test_an_address_that_is_none_is_no_answer(prober: HttpProber, url: str, client: Client) -> None:
    seen = look(prober, url, client)
    assert (seen.status, seen.answered) == (None, False)


def test_a_path_that_cannot_be_sent_is_no_answer(prober: HttpProber) -> None:
    with RawServer(_WHOLE_ANSWERS["HTTP/1.0"]) as server:
        assert look(prober, server.url, path="/ü?q=%20").served
        assert not look(prober, server.url, path="/\udcff").answered
        assert not look(prober, server.url, path="/\x00").answered
