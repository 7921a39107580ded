"""`WebhookChannel` over real HTTP: what is sent, and which answers are tried again."""

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from time import monotonic

import pytest

from local.loopback import LoopbackServer, Reply, Request
from local.rig.inbox import Inbox
from shared.adapters.channels.webhook import WebhookChannel
from shared.errors import PermanentError, SettingsError, TransientError
from shared.model.event import Delivery, Event, EventKind
from tests.contract.raw_server import RawServer
from tests.fakes.clock import NOON, FakeClock

_EVENT = Event(
    workload="orders", kind=EventKind.DECIDED, at=NOON, sentence="roll back: error_rate 0.31 > 0.05 – é", about="errors"
)
_DELIVERY = Delivery(id="82:decided:webhook:ops", channel="webhook:ops", event=_EVENT, due_at=NOON)


@pytest.fixture(scope="module")
def inbox() -> Iterator[Inbox]:
    with Inbox() as running:
        yield running


class Receiver(LoopbackServer):
    """Remembers paths and headers, and answers as it is told."""

    def __init__(self) -> None:
        self.status = 200
        self.headers: dict[str, str] = {}
        self.seen: list[tuple[str, dict[str, str]]] = []

    @property
    def hook(self) -> str:
        return f"{self.url}/hook"

    def reply(self, request: Request) -> Reply:
        self.seen.append((request.path, {name.lower(): value for name, value in request.headers.items()}))
        return Reply(status=self.status, headers=self.headers)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


def test_people_are_told_what_happened(inbox: Inbox) -> None:
    WebhookChannel("webhook:ops", inbox.url).send(_DELIVERY)
    assert inbox.received[-1:] == [
        {
            "id": _DELIVERY.id,
            "workload": "orders",
            "kind": "decided",
            "at": NOON.isoformat(),
            "since": None,
            "about": "errors",
            "sentence": _EVENT.sentence,
        }
    ]


def test_the_id_is_the_same_in_every_attempt_and_the_time_is_its_own(receiver: Receiver) -> None:
    """A receiver refuses what is older than some minutes, to keep what was recorded from being played again."""
    clock = FakeClock()
    channel = WebhookChannel("webhook:ops", receiver.hook, clock)
    for attempts in (1, 2):
        clock.forward(900)
        channel.send(replace(_DELIVERY, attempts=attempts, last_error="before"))
    told = [(headers["webhook-id"], headers["webhook-timestamp"]) for _, headers in receiver.seen]
    assert told == [(_DELIVERY.id, str(int(NOON.timestamp()) + after)) for after in (900, 1800)]


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_a_receiver_in_trouble_is_tried_again(inbox: Inbox, status: int) -> None:
    inbox.refuse_next(status)
    with pytest.raises(TransientError, match=rf"^webhook:ops answered {status}$"):
        WebhookChannel("webhook:ops", inbox.url).send(_DELIVERY)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 413, 422, 501])
def test_a_receiver_that_does_not_want_it_is_given_up(inbox: Inbox, status: int) -> None:
    inbox.refuse_next(status)
    with pytest.raises(PermanentError, match=rf"^webhook:ops answered {status}$"):
        WebhookChannel("webhook:ops", inbox.url).send(_DELIVERY)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(receiver: Receiver, status: int) -> None:
    receiver.status, receiver.headers = status, {"Location": "/elsewhere"}
    with pytest.raises(PermanentError):
        WebhookChannel("webhook:ops", receiver.hook).send(_DELIVERY)
    assert [path for path, _ in receiver.seen] == ["/hook"]


@pytest.mark.parametrize(("asked", "kept_s"), [("7", 7), ("86400", 600), ("9" * 5000, 600), ("soon", 2), ("-5", 2)])
def test_the_pause_that_is_asked_for_is_kept_within_reason(receiver: Receiver, asked: str, kept_s: float) -> None:
    receiver.status, receiver.headers = 429, {"Retry-After": asked}
    with pytest.raises(TransientError) as caught:
        WebhookChannel("webhook:ops", receiver.hook).send(_DELIVERY)
    assert caught.value.retry_after == timedelta(seconds=kept_s)


def test_nobody_there_is_tried_again_and_the_address_is_not_told() -> None:
    with pytest.raises(TransientError) as caught:
        WebhookChannel("webhook:ops", "http://127.0.0.1:9/secret-path").send(_DELIVERY)
    assert "secret-path" not in str(caught.value)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"garbage\r\n\r\n",
        b"HTTP/1.1 200",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: nonsense\r\n\r\n",
    ],
)
def test_an_answer_that_is_none_is_tried_again(answer: bytes) -> None:
    with RawServer(answer) as server, pytest.raises(TransientError, match=r"^webhook:ops could not be reached"):
        WebhookChannel("webhook:ops", server.url).send(_DELIVERY)


@pytest.mark.parametrize(
    "rest",
    [
        b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope",
        b"Content-Length: 4000000000\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_the_body_of_an_answer_is_not_looked_at(rest: bytes) -> None:
    with RawServer(b"HTTP/1.1 202 Accepted\r\n" + rest, hold=True) as server:
        begun = monotonic()
        WebhookChannel("webhook:ops", server.url).send(_DELIVERY)
        assert monotonic() - begun < 5.0


@pytest.mark.parametrize("pieces", [[], [b"HTTP/1.1 200 OK\r\n", *[b"x-drip: 1\r\n"] * 200]], ids=["quiet", "dripping"])
def test_an_attempt_ends_in_time_whatever_the_receiver_does(pieces: list[bytes]) -> None:
    with RawServer(*pieces, pause_s=0.05, hold=True) as server:
        begun = monotonic()
        with pytest.raises(TransientError, match="ReadTimeout"):
            WebhookChannel("webhook:ops", server.url, within=timedelta(seconds=0.3)).send(_DELIVERY)
        assert monotonic() - begun < 5.0


def test_a_name_and_a_secret_in_the_address_are_sent_as_credentials(receiver: Receiver) -> None:
    WebhookChannel("webhook:ops", receiver.hook.replace("http://", "http://ops:s%20cret@")).send(_DELIVERY)
    ((_, headers),) = receiver.seen
    assert headers["authorization"] == "Basic " + b64encode(b"ops:s cret").decode()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ops",
        "ftp://ops.example/",
        "http:///hook",
        "file:///etc/passwd",
        "http://[::1/hook",
        "http://ops.example:99999/",
        "http://a..b/",
        "http://" + "a" * 70 + ".example/",
        "http://ops.example/\udcff",
    ],
    ids=ascii,
)
def test_an_address_that_is_none_is_refused_at_once(url: str) -> None:
    with pytest.raises(SettingsError, match="channel webhook:ops: expected an http or https address"):
        WebhookChannel("webhook:ops", url)
