"""A site that remembers what it is asked, a resolver that answers as it is told, and the policies that name them."""

import socket
from datetime import timedelta
from typing import Any

import pytest

from local.loopback import LoopbackServer, Reply, Request
from shared.adapters.outbound import Outbound, Received
from shared.model.policy import Policy
from tests.fakes.policies import policy

SOON = timedelta(seconds=5)


class Site(LoopbackServer):
    """Remembers what it is asked, and answers by path; what no answer was given for is answered 200."""

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.answers: dict[str, Reply] = {}

    def reply(self, request: Request) -> Reply:
        self.asked.append(request)
        return self.answers.get(request.path, Reply(body=b'{"served": true}'))

    def redirect(self, path: str, location: str, status: int = 302) -> None:
        self.answers[path] = Reply(status=status, headers={"Location": location})

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])


def reaching(*hosts: str, private: bool = False) -> Policy:
    reach = f"reach: {{hosts: {list(hosts)}, private: {str(private).lower()}}}"
    return policy(("notify:", f"{reach}\nnotify:"))


HERE = reaching("127.0.0.1")


def get(url: str, by: Policy = HERE, **more: Any) -> Received:
    return Outbound().send(by, "GET", url, within=SOON, **more)


class Names:
    """What the resolver answers, one answer after the other; the last one stays."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[str] = []
        self.answers: dict[str, list[list[str]]] = {}
        # What listens in the place of an address that is not to be had here.
        self.played_by: dict[str, int] = {}
        self._real = socket.getaddrinfo
        monkeypatch.setattr("shared.adapters.bounded_http.getaddrinfo", self._look_up)
        monkeypatch.setattr("socket.getaddrinfo", self._reach)

    def _reach(self, host: str, port: int, *rest: Any, **more: Any) -> Any:
        """What a connection asks when it is made, of an address too."""
        if host in self.played_by:
            return self._real("127.0.0.1", self.played_by[host], *rest, **more)
        return self._look_up(host, port, *rest, **more)

    def _look_up(self, host: str, port: int, *rest: Any, **more: Any) -> Any:
        if host not in self.answers:
            return self._real(host, port, *rest, **more)
        self.asked.append(host)
        answers = self.answers[host]
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]
