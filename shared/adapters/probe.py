"""Looks at a site from outside, as its users do: by fresh connections, with the routing cookie, by a kept connection.

What counts as an answer: any HTTP status, and a request that was sent and then not answered in time, which a user
would call a failure. What does not: a name that does not resolve, a refused, broken or reset connection. Azure's front
ends answer for a site even when it is down, so that silence at this level speaks of the path, not of the site: it is
blind. Only hosts that a policy names are asked; redirects are not followed.
"""

import math
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
from threading import Lock

import httpcore

from shared.adapters.bounded_http import EXCHANGE_ERRORS, Connection, header
from shared.adapters.one_per_key import OnePerKey
from shared.model.policy import Site
from shared.model.policy_signals import ProbeSignal
from shared.model.signal import Sample, failed, measured
from shared.ports import Client, Collected, Job, Prober, Sighting, Want

_HEADERS = {"User-Agent": "rollback-controller-probe/1", "Accept": "*/*", "Accept-Encoding": "gzip, deflate"}
# The cookie by which App Service keeps a client on a slot; `self` is production.
# https://learn.microsoft.com/azure/app-service/deploy-staging-slots#route-production-traffic-automatically
_PINNED_TO_PRODUCTION = {"Cookie": "x-ms-routing-name=self"}
_MOST_BODY_BYTES = 64 * 1024
_KEEP = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class _Kept:
    """A connection that is kept open to a site."""

    connection: Connection
    lock: Lock = field(default_factory=Lock)


class HttpProber:
    """Fulfils `ports.Prober`. Safe to use from many threads."""

    def __init__(self, pool: Executor, clock: Callable[[], float] = time.monotonic) -> None:
        """`pool` runs the requests of one look at once; nothing that runs in it may wait for it."""
        self._pool = pool
        self._clock = clock
        self._kept = OnePerKey(lambda _: _Kept(Connection(keep=_KEEP, clock=clock)))

    def look(self, site: Site, path: str, client: Client, count: int, *, timeout: timedelta) -> list[Sighting]:
        ask = self._ask_kept if client is Client.KEPT_ALIVE else self._ask_fresh
        asked = [self._pool.submit(ask, client, site, path, timeout) for _ in range(count)]
        return [future.result() for future in asked]

    def _ask_fresh(self, client: Client, site: Site, path: str, timeout: timedelta) -> Sighting:
        cookies = _PINNED_TO_PRODUCTION if client is Client.PINNED else {}
        with Connection(clock=self._clock) as connection:
            return self._ask(connection, client, site, path, timeout, cookies)

    def _ask_kept(self, client: Client, site: Site, path: str, timeout: timedelta) -> Sighting:
        kept = self._kept[site.url]
        with kept.lock:
            sighting = self._ask(kept.connection, client, site, path, timeout, {})
            return replace(sighting, connection_age_s=kept.connection.age_s) if sighting.status else sighting

    def _ask(
        self,
        connection: Connection,
        client: Client,
        site: Site,
        path: str,
        timeout: timedelta,
        cookies: Mapping[str, str],
    ) -> Sighting:
        """Send one request; what can go wrong is part of what is seen."""
        begun, build = self._clock(), ""
        try:
            with connection.exchange("GET", site.url + path, headers={**_HEADERS, **cookies}, within=timeout) as answer:
                build = header(answer, site.build.header)
                _read(answer)
            status, answered, note = answer.status, True, ""
        except httpcore.ReadTimeout:
            status, answered, note = None, True, f"no whole answer within {timeout.total_seconds():g} s"
        except EXCHANGE_ERRORS as error:
            status, answered, note = None, False, f"the site could not be reached: {type(error).__name__}"
        latency_ms = (self._clock() - begun) * 1000
        return Sighting(client=client, status=status, build=build, latency_ms=latency_ms, answered=answered, note=note)


def _read(answer: httpcore.Response) -> None:
    """Read the body as a user would, up to a bound."""
    received = 0
    for piece in answer.iter_stream():
        received += len(piece)
        if received > _MOST_BODY_BYTES:
            return


class ProbeSource:
    """Fulfils `ports.SampleSource`: signals that want the same burst share it."""

    def __init__(self, prober: Prober) -> None:
        self._prober = prober

    def jobs(self, wants: Sequence[Want]) -> list[Job]:
        ordered = sorted(wants, key=_burst)
        return [self._job(tuple(group)) for _, group in groupby(ordered, key=_burst)]

    def _job(self, wants: tuple[Want, ...]) -> Job:
        return Job(wants=wants, timeout=2 * wants[0].signal.timeout, run=partial(self._run, wants))

    def _run(self, wants: tuple[Want, ...], now: datetime) -> list[Collected]:
        first = _probe(wants[0])
        site, timeout = wants[0].policy.site, wants[0].signal.timeout
        sightings = self._prober.look(site, first.probe, Client.FRESH, first.requests, timeout=timeout)
        # A timer ticks some milliseconds late, each time others: in whole seconds, six ticks of 10 s cover 60 s.
        at = now.replace(microsecond=0)
        build_seen = _build_of_most(sightings)
        return [
            Collected(
                workload=want.policy.workload,
                name=want.name,
                samples=(_sample(_probe(want), sightings, at),),
                build_seen=build_seen,
            )
            for want in wants
        ]


def _probe(want: Want) -> ProbeSignal:
    if not isinstance(want.signal, ProbeSignal):
        raise TypeError(f"{want.name} is no probe")
    return want.signal


def _burst(want: Want) -> tuple[str, str, int, timedelta]:
    signal = _probe(want)
    return want.policy.site.url, signal.probe, signal.requests, signal.timeout


def _build_of_most(sightings: Sequence[Sighting]) -> str:
    """Return the build that served more than half of what was answered, or the empty text.

    An answer without a name counts too: a build that fails without its header must not let the one before it stand.
    """
    builds = Counter(sighting.build for sighting in sightings if sighting.answered)
    return next((build for build, times in builds.items() if 2 * times > builds.total()), "")


def _sample(signal: ProbeSignal, sightings: Sequence[Sighting], now: datetime) -> Sample:
    answered = [sighting for sighting in sightings if sighting.answered]
    if not answered:
        return failed(now, sightings[0].note if sightings else "nothing was asked")
    if signal.latency is None:
        bad = sum(not sighting.served for sighting in answered)
        return measured(now, bad / len(answered), len(answered))
    latencies = sorted(sighting.latency_ms for sighting in answered)
    return measured(now, _quantile(latencies, _QUANTILES[signal.latency]), len(answered))


_QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}


def _quantile(ordered: Sequence[float], share: float) -> float:
    """Return the nearest-rank quantile of ordered values (Hyndman and Fan, 1996, definition 1)."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
