"""The people who use the site while it is broken and saved: about ten requests a second of each kind of client.

They are the demo's witnesses. Every answer carries the id of the build that served it, failures included, so that
what production serves is known from outside. The routing cookie `x-ms-routing-name` pins, `self` to production:
https://learn.microsoft.com/azure/app-service/deploy-staging-slots#route-production-traffic-manually
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from threading import Event, Thread
from typing import Self
from urllib.parse import urlsplit

PAUSE_S = 0.1
_TIMEOUT_S = 10.0
_BUILD_HEADER = "x-build-id"


class Kind(StrEnum):
    """How a client comes: on a new connection, with a routing cookie, or on a connection that it keeps open."""

    FRESH = "fresh"
    PINNED = "pinned"
    KEPT_ALIVE = "kept-alive"
    HELD = "held"  # was once sent to the slot of a new build, and has its cookie


USUAL_KINDS = (Kind.FRESH, Kind.PINNED, Kind.KEPT_ALIVE)
_PINNED_TO = {Kind.PINNED: "self", Kind.HELD: "candidate"}


@dataclass(frozen=True, slots=True)
class Visit:
    """One request. `at_s` is Unix time; `build` is empty when nothing answered."""

    at_s: float
    kind: Kind
    served: bool
    build: str
    connection_age_s: float


@dataclass(frozen=True, slots=True)
class Tally:
    """How many requests people made, and how many of them failed."""

    requests: int
    failures: int

    @property
    def served_share(self) -> float | None:
        return (self.requests - self.failures) / self.requests if self.requests else None


def tally(visits: Iterable[Visit]) -> Tally:
    """Count requests and failures."""
    served = [visit.served for visit in visits]
    return Tally(len(served), served.count(False))


class Visitor:
    """One client of a kind. A kept-alive one opens its connection again only when it broke."""

    def __init__(self, kind: Kind, site_url: str) -> None:
        self.kind = kind
        parts = urlsplit(site_url)
        self._connection = HTTPConnection(parts.hostname or "", parts.port, timeout=_TIMEOUT_S)
        self._opened_at_s = 0.0
        self._headers: Mapping[str, str] = {
            "User-Agent": f"demo-user/1 ({kind})",
            **({"Cookie": f"x-ms-routing-name={_PINNED_TO[kind]}"} if kind in _PINNED_TO else {}),
        }

    def visit(self) -> Visit:
        """Ask for the front page once."""
        at_s = time.time()
        if self._connection.sock is None:
            self._opened_at_s = at_s
        try:
            status, build = self._ask()
        except (OSError, HTTPException):
            self.leave()
            status, build = 0, ""
        if self.kind is not Kind.KEPT_ALIVE:
            self.leave()
        return Visit(at_s, self.kind, status == HTTPStatus.OK, build, at_s - self._opened_at_s)

    def _ask(self) -> tuple[int, str]:
        self._connection.request("GET", "/", headers=self._headers)
        answer = self._connection.getresponse()
        answer.read()
        return answer.status, answer.getheader(_BUILD_HEADER, "")

    def leave(self) -> None:
        """Close the connection."""
        self._connection.close()


class Users:
    """All of them, one thread a kind; in a `with` statement they come and go."""

    def __init__(self, site_url: str, kinds: Iterable[Kind] = USUAL_KINDS) -> None:
        self._visits: list[Visit] = []
        self._left = Event()
        self._threads = [
            Thread(target=self._keep_visiting, args=(Visitor(kind, site_url),), daemon=True) for kind in kinds
        ]

    def _keep_visiting(self, visitor: Visitor) -> None:
        due = time.monotonic()
        while not self._left.wait(max(0.0, due - time.monotonic())):
            self._visits.append(visitor.visit())
            due = max(due + PAUSE_S, time.monotonic())  # a slow answer is not made up for by a burst
        visitor.leave()

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._left.set()
        for thread in self._threads:
            thread.join()

    @property
    def visits(self) -> list[Visit]:
        """Every visit so far, in the order in which they ended."""
        return list(self._visits)
