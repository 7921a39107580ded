"""Sources that answer over HTTP where a site or its Prometheus is: what they say, and each way in which it goes wrong.

The adapters are the real ones, and so are the connections: the answers are made here from how things stand.
"""

import json
import socket
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs

from shared.adapters.checks.journeys import RequestChecker
from shared.adapters.outbound import Outbound
from shared.adapters.probe import HttpProber
from shared.adapters.probe_source import ProbeSource
from shared.adapters.prometheus import PrometheusSource
from shared.adapters.smoke_source import SmokeSource
from shared.clock import Clock
from shared.model.policy_verify import GetCheck
from shared.ports import SampleSource
from tests.contract.listener import Listener
from tests.contract.raw_server import RawServer
from tests.scenarios.fault_matrix.ground import Address, Story, address_of
from tests.scenarios.fault_matrix.kinds import Fault, Source
from tests.scenarios.fault_matrix.probed import Front, Strike, answer, never_connect, refuse

_PROMQL = Path(__file__).parents[3] / "infra" / "promql"
_HOUR = timedelta(hours=1)
_JSON = "Content-Type: application/json"


class Standing:
    """How a story has stood, step by step."""

    def __init__(self) -> None:
        self._turns: list[tuple[float, bool]] = []

    def note(self, at: datetime, *, bad: bool) -> None:
        self._turns.append((at.timestamp(), bad))

    def bad_at(self, moment: float) -> bool:
        return next((bad for at, bad in reversed(self._turns) if at < moment), False)

    @property
    def bad(self) -> bool:
        return bool(self._turns) and self._turns[-1][1]


Speak = Callable[[Standing, bytes], bytes]


class Spoken(Listener):
    """Takes whole requests and says what `speak` makes of them."""

    def __init__(self, standing: Standing, speak: Speak) -> None:
        self._standing = standing
        self._speak = speak

    def take(self, peer: socket.socket) -> None:
        Thread(target=self._answer, args=(peer,), daemon=True).start()

    def _answer(self, peer: socket.socket) -> None:
        with peer, suppress(OSError):
            head, _, body = _until(peer, b"", lambda heard: b"\r\n\r\n" in heard).partition(b"\r\n\r\n")
            lines = head.decode("latin-1").lower().split("\r\n")
            length = next((int(line.split(":")[1]) for line in lines if line.startswith("content-length:")), 0)
            body = _until(peer, body, lambda heard: len(heard) >= length)
            peer.sendall(self._speak(self._standing, body))


def _until(peer: socket.socket, heard: bytes, whole: Callable[[bytes], bool]) -> bytes:
    while not whole(heard):
        more = peer.recv(65536)
        if not more:
            break
        heard += more
    return heard


def _said(document: object) -> bytes:
    return answer("200 OK", _JSON, body=document if isinstance(document, str) else json.dumps(document))


def _series(standing: Standing, body: bytes, *, value: str = "", shift: timedelta = timedelta(0)) -> list[list[object]]:
    form = {name: float(some[0]) for name, some in parse_qs(body.decode()).items() if name in ("start", "end", "step")}
    steps = range(int((form["end"] - form["start"]) // form["step"]) + 1) if form else range(0)
    moments = [form["start"] + step * form["step"] for step in steps]
    return [[at + shift.total_seconds(), value or ("0.4" if standing.bad_at(at) else "0.01")] for at in moments]


def _matrix(*series: list[list[object]], **more: object) -> bytes:
    result = [{"metric": {"pod": str(number)}, "values": values} for number, values in enumerate(series)]
    return _said({"status": "success", "data": {"resultType": "matrix", "result": result}, **more})


def _prometheus(standing: Standing, body: bytes) -> bytes:
    return _matrix(_series(standing, body))


def _health(standing: Standing, _: bytes) -> bytes:
    state = "down" if standing.bad else "up"
    return _said({"dependencies": [{"name": "db", "status": state}, {"name": "cache", "status": state}]})


def _front_page(standing: Standing, _: bytes) -> bytes:
    return answer("500 Internal Server Error" if standing.bad else "200 OK", body="{}")


USUAL: Mapping[Source, Speak] = {
    Source.PROMQL: _prometheus,
    Source.DEPENDENCIES: _health,
    Source.SMOKE: _front_page,
}


def _instead(*pieces: bytes) -> Strike:
    def strike(front: Front) -> None:
        front.behind = RawServer(*pieces)

    return strike


def _hangs(front: Front) -> None:
    front.behind = RawServer(hold=True)


def _speaks(speak: Speak) -> Strike:
    def strike(front: Front) -> None:
        front.behind = Spoken(Standing(), speak)

    return strike


_CUT = b"HTTP/1.1 200 OK\r\nx-build-id: b2\r\nContent-Length: 900\r\n\r\n{"
_NO_ANSWER: Mapping[Fault, Mapping[str, Strike]] = {
    Fault.DOWN: {"connections are refused": refuse, "the answer is cut": _instead(_CUT), "no byte comes": _instead()},
    Fault.SLOW: {"connections are not taken": never_connect},
}
_STATUSES: Mapping[Fault, Mapping[str, Strike]] = {
    Fault.DOWN: {
        "500": _instead(answer("500 Internal Server Error")),
        "503": _instead(answer("503 Service Unavailable", "Retry-After: 5")),
        "429, come back in 77 s": _instead(answer("429 Too Many Requests", "Retry-After: 77")),
    },
    Fault.FORBIDDEN: {"401": _instead(answer("401 Unauthorized")), "403": _instead(answer("403 Forbidden"))},
    Fault.RENAMED: {"404": _instead(answer("404 Not Found"))},
    Fault.SLOW: {"no answer within the time-out": _hangs},
}
_OF: Mapping[Source, Mapping[Fault, Mapping[str, Strike]]] = {
    Source.PROMQL: {
        Fault.EMPTY: {
            "no series": _speaks(lambda _, __: _matrix()),
            "an empty body": _instead(answer("200 OK")),
            "not even a result": _instead(_said({"status": "success"})),
        },
        Fault.STALE: {
            "values of an hour ago": _speaks(lambda s, body: _matrix(_series(s, body, shift=-_HOUR))),
            "a clock an hour ahead": _speaks(lambda s, body: _matrix(_series(s, body, shift=_HOUR))),
        },
        Fault.NAN: {
            "NaN": _speaks(lambda s, body: _matrix(_series(s, body, value="NaN"))),
            "infinite": _speaks(lambda s, body: _matrix(_series(s, body, value="+Inf"))),
            "no number": _speaks(lambda s, body: _matrix(_series(s, body, value="many"))),
            "no JSON": _instead(_said("<html>")),
        },
        Fault.RENAMED: {"two series for one": _speaks(lambda s, b: _matrix(_series(s, b), _series(s, b)))},
        Fault.NO_TRAFFIC: {"in part only": _speaks(lambda s, b: _matrix(_series(s, b), warnings=["a part is gone"]))},
    },
    Source.DEPENDENCIES: {
        Fault.EMPTY: {"no dependencies": _instead(_said({"dependencies": []})), "no body": _instead(answer("200 OK"))},
        Fault.STALE: {
            "a cache answers, an hour old": _instead(
                answer("200 OK", _JSON, "Age: 3600", body='{"dependencies": {"db": "up", "cache": "up"}}')
            )
        },
        Fault.NAN: {
            "a status that nobody knows": _instead(_said({"dependencies": {"db": "well", "cache": 7}})),
            "no JSON": _instead(_said("<html>")),
        },
        Fault.RENAMED: {"another key": _instead(_said({"deps": {"db": "up", "cache": "up"}}))},
        Fault.NO_TRAFFIC: {
            "one is named twice": _instead(
                _said({"dependencies": [{"name": "db", "status": "up"}, {"name": "db", "status": "down"}]})
            ),
            "nobody says which build": _instead(
                answer("200 OK", _JSON, body='{"dependencies": {"db": "up"}}', build="")
            ),
        },
    },
    # What a site answers to a check is its word, and "none in time" as well: faults are those of the way to it.
    Source.SMOKE: {
        Fault.EMPTY: {"connections end without a byte": _instead()},
        Fault.STALE: {"connections are reset half way": _instead(_CUT)},
        Fault.NAN: {"the status is no number": _instead(b"HTTP/1.1 NaN OK\r\n\r\n")},
        Fault.RENAMED: {"it speaks another protocol": _instead(b"SSH-2.0-OpenSSH_9.6\r\n")},
        Fault.NO_TRAFFIC: {"a byte and no more": _instead(b"H")},
        Fault.FORBIDDEN: {"nobody is let in": refuse},
    },
}


def _faces(source: Source) -> Mapping[Fault, Mapping[str, Strike]]:
    statuses = {} if source is Source.SMOKE else _STATUSES
    tables = (_NO_ANSWER, statuses, _OF[source])
    return {fault: {name: face for table in tables for name, face in table.get(fault, {}).items()} for fault in Fault}


FACES: Mapping[Source, Mapping[Fault, Mapping[str, Strike]]] = {source: _faces(source) for source in USUAL}


class Answering:
    """The adapters, one of each as in a worker's whole life."""

    def __init__(self, prober: HttpProber, pool: Executor) -> None:
        outbound = Outbound()
        self.adapters: Mapping[Source, Mapping[str, SampleSource]] = {
            Source.PROMQL: {"promql": PrometheusSource(outbound, _PROMQL, lambda: "t0ken")},
            Source.DEPENDENCIES: {"probe": ProbeSource(prober, outbound)},
            Source.SMOKE: {"smoke": SmokeSource({GetCheck: RequestChecker(outbound)}, pool)},
        }


class AnsweredGround:
    """Fulfils `Ground`."""

    def __init__(self, sources: Mapping[str, SampleSource], clock: Clock, strike: Strike | None) -> None:
        self._sources = sources
        self._clock = clock
        self._strike = strike
        self._standings = {story: Standing() for story in Story}
        self.fronts: dict[Story, Front] = {}
        self._urls: dict[Story, str] = {}
        self.kept = ExitStack()

    def serve(self, stack: ExitStack, speak: Speak) -> None:
        """Serve a site for every story."""
        for story, standing in self._standings.items():
            self.fronts[story] = stack.enter_context(Front(Spoken(standing, speak)))
            self._urls[story] = self.fronts[story].url
        stack.enter_context(self.kept)

    def sources(self) -> Mapping[str, SampleSource]:
        return self._sources

    def address(self, story: Story) -> Address:
        return address_of(story, self._urls[story])

    def turn(self, story: Story, *, bad: bool) -> None:
        self._standings[story].note(self._clock(), bad=bad)

    def strike(self) -> None:
        assert self._strike is not None
        for front in self.fronts.values():
            if (kept := self._strike(front)) is not None:
                self.kept.enter_context(kept)


@contextmanager
def answered(answering: Answering, source: Source, clock: Clock, strike: Strike | None) -> Iterator[AnsweredGround]:
    """Serve the sites of all stories for as long as a play lasts."""
    with ExitStack() as stack:
        ground = AnsweredGround(answering.adapters[source], clock, strike)
        ground.serve(stack, USUAL[source])
        yield ground
