"""Looks at a site from outside, as its users do: by fresh connections, with the routing cookie, by a kept connection.

What counts as an answer: any HTTP status, and a request that was sent and then not answered in time, which a user
would call a failure. What does not: a name that does not resolve, a refused, broken or reset connection. What an answer
says of the site's health is judged in `probe_source.py`. Only hosts that a policy names are asked, at addresses that it
lets; redirects are not followed.
"""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from threading import Lock
from urllib.parse import quote

import httpcore

from shared.adapters.address_rules import refusal
from shared.adapters.bounded_http import (
    ADDRESS_ERRORS,
    EXCHANGE_ERRORS,
    AddressRefused,
    Connection,
    Judge,
    header,
    parse_address,
)
from shared.adapters.one_per_key import OnePerKey
from shared.model.policy import Policy
from shared.model.policy_verify import Client
from shared.ports import PRODUCTION, Sighting

_HEADERS = {"User-Agent": "rollback-controller-probe/1", "Accept": "*/*", "Accept-Encoding": "gzip, deflate"}
_MOST_BODY_BYTES = 64 * 1024
_KEEP = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class _Kept:
    """A connection that is kept open to a front."""

    connection: Connection
    lock: Lock = field(default_factory=Lock)


@dataclass(frozen=True, slots=True)
class _Question:
    """What every request of a look asks."""

    client: Client
    front: str
    path: str
    headers: Mapping[str, str]
    build_header: str
    private: bool
    timeout: timedelta

    def seen(self, status: int | None, *, note: str = "", answered: bool = True) -> Sighting:
        return Sighting(client=self.client, status=status, build="", latency_ms=0.0, answered=answered, note=note)


class HttpProber:
    """Fulfils `ports.Prober`. Safe to use from many threads."""

    def __init__(self, pool: Executor, clock: Callable[[], float] = time.monotonic) -> None:
        """`pool` runs the requests of one look at once; nothing that runs in it may wait for it."""
        self._pool = pool
        self._clock = clock
        # What one policy may reach, another may not: a connection is kept for those with the same rule.
        self._kept = {private: OnePerKey(partial(_kept, clock, private)) for private in (False, True)}

    def look(
        self,
        policy: Policy,
        path: str,
        client: Client,
        count: int,
        *,
        timeout: timedelta,
        at: str | None = None,
        slot: str = PRODUCTION,
    ) -> list[Sighting]:
        question = _Question(
            client=client,
            front=(at or policy.site.url).rstrip("/"),
            path=path,
            headers={**_HEADERS, **(_pinned_to(slot) if client is Client.PINNED else {})},
            build_header=policy.site.build.header,
            private=policy.reach.private,
            timeout=timeout,
        )
        if why := _why_not(policy, question.front):
            return [question.seen(None, answered=False, note=why)] * count
        ask = self._ask_kept if client is Client.KEPT_ALIVE else self._ask_fresh
        asked = [self._pool.submit(ask, question) for _ in range(count)]
        return [future.result() for future in asked]

    def _ask_fresh(self, question: _Question) -> Sighting:
        with Connection(clock=self._clock, judge=_judge(question.front, private=question.private)) as connection:
            return self._ask(connection, question)

    def _ask_kept(self, question: _Question) -> Sighting:
        kept = self._kept[question.private][question.front]
        with kept.lock:
            sighting = self._ask(kept.connection, question)
            return replace(sighting, connection_age_s=kept.connection.age_s) if sighting.answered else sighting

    def _ask(self, connection: Connection, question: _Question) -> Sighting:
        """Send one request; what can go wrong is part of what is seen."""
        begun, build = self._clock(), ""
        url, headers, timeout = question.front + question.path, question.headers, question.timeout
        try:
            with connection.exchange("GET", url, headers=headers, within=timeout) as answer:
                build, age_s = header(answer, question.build_header), header(answer, "age")
                _read(answer)
            seen = replace(question.seen(answer.status), cached=age_s not in ("", "0"))
        except httpcore.ReadTimeout:
            seen = question.seen(None, note=f"no whole answer within {timeout.total_seconds():g} s")
        except AddressRefused as error:
            seen = question.seen(None, answered=False, note=str(error))
        except EXCHANGE_ERRORS as error:
            seen = question.seen(None, answered=False, note=f"the site could not be reached: {type(error).__name__}")
        return replace(seen, build=build, latency_ms=(self._clock() - begun) * 1000)


def _kept(clock: Callable[[], float], private: bool, front: str) -> _Kept:
    return _Kept(Connection(keep=_KEEP, clock=clock, judge=_judge(front, private=private)))


def _pinned_to(slot: str) -> Mapping[str, str]:
    """Return the cookie by which App Service keeps a client on a slot.

    https://learn.microsoft.com/azure/app-service/deploy-staging-slots#route-production-traffic-automatically
    """
    return {"Cookie": f"x-ms-routing-name={quote(slot, safe='')}"}


def _why_not(policy: Policy, front: str) -> str | None:
    """Return why a policy must not have this front asked, or `None`."""
    try:
        host = _host(front)
    except ADDRESS_ERRORS:
        return "the site could not be reached: expected an http or https address"
    if front != policy.site.url and host not in policy.named_hosts:
        return f"the policy of {policy.workload} does not name the host {host} (reach.hosts)"
    return None


def _judge(front: str, *, private: bool) -> Judge:
    return partial(refusal, _host(front), private=private)


def _host(front: str) -> str:
    return parse_address(front).raw_host.decode().lower()


def _read(answer: httpcore.Response) -> None:
    """Read the body as a user would, up to a bound."""
    received = 0
    for piece in answer.iter_stream():
        received += len(piece)
        if received > _MOST_BODY_BYTES:
            return
