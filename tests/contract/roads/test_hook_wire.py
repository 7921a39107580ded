"""What `HookRouting` puts on the wire, byte for byte, and which read-backs it takes for a yes."""

import hmac
import json
from collections.abc import Iterator

import pytest

from local.loopback import LoopbackServer, Reply, Request
from shared.adapters.hook import HookRouting
from shared.adapters.outbound import Outbound
from shared.errors import PermanentError
from shared.model.policy_roads import HookRoad
from tests.contract.outbound_world import HERE
from tests.contract.roads.hook_world import SECRET
from tests.contract.roads.world import aim_of
from tests.fakes.clock import NOON, FakeClock

AIM = aim_of("switch")


class Receiver(LoopbackServer):
    """Remembers what it is sent, and reads back what it is told to."""

    def __init__(self) -> None:
        self.seen: list[Request] = []
        self.state = Reply(body=b"{}")

    def reply(self, request: Request) -> Reply:
        self.seen.append(request)
        return self.state if request.method == "GET" else Reply()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


def road_to(url: str) -> HookRoad:
    return HookRoad(hook=f"{url}/steer?key=s3", read_back=f"{url}/á?of=x", expect={"a.0": 1}, secret=SECRET)


def routing() -> HookRouting:
    return HookRouting(Outbound(), FakeClock())


def test_both_calls_are_signed_over_what_they_say(receiver: Receiver) -> None:
    routing().establish(HERE, road_to(receiver.url), AIM, lambda: None)
    read, order = receiver.seen
    now_s = int(NOON.timestamp())
    for asked, signed in ((read, read.path.encode()), (order, order.body)):
        expected = hmac.new(SECRET.encode(), b"%d." % now_s + signed, "sha256").hexdigest()
        assert asked.headers["x-signature"] == f"t={now_s},v1={expected}"
    assert read.path == "/%C3%A1?of=x"
    assert (order.method, order.path, order.headers["idempotency-key"]) == ("POST", "/steer?key=s3", "r1:switch:switch")
    assert json.loads(order.body)["desired"] == {"a.0": 1}


@pytest.mark.parametrize(
    ("body", "established"),
    [
        (b'{"a": [1]}', True),
        (b'{"a": [1.0], "b": 2}', True),
        (b'{"a": [true]}', False),
        (b'{"a": ["1"]}', False),
        (b'{"a": []}', False),
        (b'{"a": 1}', False),
        (b"[1]", False),
        (b"null", False),
        (b"<html>", False),
        (b"", False),
        (b"\xff", False),
        (b"[" * 100_000, False),
    ],
)
def test_only_the_very_values_count(receiver: Receiver, body: bytes, established: bool) -> None:
    receiver.state = Reply(body=body)
    picture = routing().look(HERE, road_to(receiver.url), AIM)
    assert (picture.established, picture.why_not) == (established, None)


@pytest.mark.parametrize("status", [301, 302, 307])
def test_a_redirect_is_not_followed(receiver: Receiver, status: int) -> None:
    receiver.state = Reply(status=status, headers={"Location": "/state"})
    with pytest.raises(PermanentError, match=f"answered {status}"):
        routing().look(HERE, road_to(receiver.url), AIM)
    assert len(receiver.seen) == 1


def test_a_host_that_the_policy_does_not_name_is_not_asked() -> None:
    with pytest.raises(PermanentError, match=r"does not name the host evil.example") as caught:
        routing().look(HERE, road_to("http://evil.example"), AIM)
    assert "s3" not in str(caught.value)
