"""A site that is probed: servers that answer well, badly, or not at all what a probe needs.

What a probe calls bad is not here but in the control column: an answer of 500 and above, or none in time, speaks of the
site.
"""

import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager

from shared.adapters.probe_source import ProbeSource
from shared.ports import SampleSource
from tests.contract.listener import Listener
from tests.contract.raw_server import RawServer
from tests.scenarios.fault_matrix.ground import Address, Story, address_of
from tests.scenarios.fault_matrix.kinds import Fault

_SLOW_S = 0.25
_PASSED_OF = 4


def answer(status: str, *headers: str, body: str = "", build: str = "b2") -> bytes:
    """Return an answer as it goes over the wire; without a build header when `build` is empty."""
    named = (f"x-build-id: {build}",) if build else ()
    head = [f"HTTP/1.1 {status}", *named, *headers, f"Content-Length: {len(body)}", "Connection: close"]
    return "\r\n".join([*head, "", body]).encode()


_GOOD = answer("200 OK", body="ok")


class Front(Listener):
    """Where a site is reached: hands each connection to whatever is behind it now."""

    def __init__(self, behind: Listener) -> None:
        self.behind = behind

    def take(self, peer: socket.socket) -> None:
        self.behind.take(peer)


class OneInFour(Listener):
    """Lets one connection of four through, and drops the others."""

    def __init__(self) -> None:
        self._passed = RawServer(_GOOD)
        self._seen = 0

    def take(self, peer: socket.socket) -> None:
        self._seen += 1
        if self._seen % _PASSED_OF:
            peer.close()
        else:
            self._passed.take(peer)


Strike = Callable[[Front], ExitStack | None]


def refuse(front: Front) -> None:
    front.stop()


def never_connect(front: Front) -> ExitStack:
    """Take the front's place with a port whose queue is full: nobody who knocks is let in or sent away."""
    port = front.port
    front.stop()
    kept = ExitStack()
    kept.enter_context(socket.create_server(("127.0.0.1", port), backlog=0))
    for _ in range(4):
        waiting = kept.enter_context(socket.socket())
        waiting.setblocking(False)
        waiting.connect_ex(("127.0.0.1", port))
    return kept


def _instead(*pieces: bytes) -> Strike:
    def strike(front: Front) -> None:
        front.behind = RawServer(*pieces)

    return strike


def _mostly_dropped(front: Front) -> None:
    front.behind = OneInFour()


_STOPPED = answer("403 Site Disabled", body="Error 403 - This web app is stopped.", build="")
_SIGN_IN = answer("302 Found", "Location: https://login.example/authorize", build="")
_NOBODYS = answer("200 OK", build="")
_CACHED = answer("200 OK", "Age: 3600", body="ok", build="b1")
FACES: Mapping[Fault, Mapping[str, Strike]] = {
    Fault.DOWN: {"connections are refused": refuse},
    Fault.FORBIDDEN: {
        "every answer is 403, as of a stopped app": _instead(_STOPPED),
        "every answer leads to a sign-in page": _instead(_SIGN_IN),
    },
    Fault.EMPTY: {
        "connections end without a byte": _instead(),
        "200 with nothing in it, not even the build": _instead(_NOBODYS),
    },
    Fault.STALE: {"a cache answers, an hour old": _instead(_CACHED)},
    Fault.NAN: {"the status is no number": _instead(b"HTTP/1.1 NaN OK\r\n\r\n")},
    Fault.RENAMED: {"the health route is gone: 404": _instead(answer("404 Not Found"))},
    Fault.NO_TRAFFIC: {"one request of four gets through": _mostly_dropped},
    Fault.SLOW: {"connections are not taken within the time-out": never_connect},
}


class ProbedGround:
    """Fulfils `Ground`."""

    def __init__(
        self, source: ProbeSource, fronts: Mapping[Story, Front], bad: Listener, strike: Strike | None
    ) -> None:
        self._source = source
        self._fronts = fronts
        self._urls = {story: front.url for story, front in fronts.items()}  # a front that is gone has none
        self._moods = {False: RawServer(_GOOD), True: bad}
        self._strike = strike
        self._struck = False
        self.kept = ExitStack()

    def sources(self) -> Mapping[str, SampleSource]:
        return {"probe": self._source}

    def address(self, story: Story) -> Address:
        return address_of(story, self._urls[story])

    def turn(self, story: Story, *, bad: bool) -> None:
        if not self._struck:
            self._fronts[story].behind = self._moods[bad]

    def strike(self) -> None:
        assert self._strike is not None
        self._struck = True
        for front in self._fronts.values():
            if (kept := self._strike(front)) is not None:
                self.kept.enter_context(kept)


FAILING = RawServer(answer("500 Internal Server Error"))
LAGGING = RawServer(_GOOD, pause_s=_SLOW_S)


@contextmanager
def probed(source: ProbeSource, bad: Listener, strike: Strike | None) -> Iterator[ProbedGround]:
    """Serve a site for every story for as long as a play lasts."""
    with ExitStack() as stack:
        good = RawServer(_GOOD)
        fronts = {story: stack.enter_context(Front(good)) for story in Story}
        ground = ProbedGround(source, fronts, bad, strike)
        stack.enter_context(ground.kept)
        yield ground
