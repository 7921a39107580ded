"""Looks at a site from outside, as its users do: by fresh connections, with the routing cookie, by a kept connection.

What counts as an answer: any HTTP status, and a request that was sent and then not answered in time, which a user
would call a failure. What does not: a name that does not resolve, a refused, broken or reset connection. Azure's front
ends answer for a site even when it is down, so that silence at this level speaks of the path, not of the site: it is
blind. Only hosts that a policy names are asked; redirects are not followed.
"""

import math
import ssl
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from itertools import groupby
from threading import Lock

import httpx

from shared.model.policy import Site
from shared.model.policy_signals import ProbeSignal
from shared.model.signal import Sample, failed, measured
from shared.ports import Client, Collected, Job, Prober, Sighting, Want

USER_AGENT = "rollback-controller-probe/1"
# The cookie by which App Service keeps a client on a slot; `self` is production.
# https://learn.microsoft.com/azure/app-service/deploy-staging-slots#route-production-traffic-automatically
_PINNED_TO_PRODUCTION = {"Cookie": "x-ms-routing-name=self"}
_MOST_BODY_BYTES = 64 * 1024
_KEEP_S = 600.0


@dataclass(slots=True)
class _Kept:
    """A connection that is kept open to a site, and since when it is this very one."""

    client: httpx.Client
    lock: Lock
    local_address: object = None
    opened_at: float = 0.0


class HttpProber:
    """Fulfils `ports.Prober`. Safe to use from many threads."""

    def __init__(self, pool: Executor, clock: Callable[[], float] = time.monotonic) -> None:
        """`pool` runs the requests of one look at once; nothing that runs in it may wait for it."""
        self._pool = pool
        self._clock = clock
        self._kept: dict[str, _Kept] = {}
        self._lock = Lock()

    def look(self, site: Site, path: str, client: Client, count: int, *, timeout: timedelta) -> list[Sighting]:
        ask = self._ask_kept if client is Client.KEPT_ALIVE else self._ask_fresh
        asked = [self._pool.submit(ask, client, site, path, timeout) for _ in range(count)]
        return [future.result() for future in asked]

    def _ask_fresh(self, client: Client, site: Site, path: str, timeout: timedelta) -> Sighting:
        headers = _PINNED_TO_PRODUCTION if client is Client.PINNED else {}
        with _client(timeout) as http:
            return self._ask(http, client, site, path, timeout, headers)[0]

    def _ask_kept(self, client: Client, site: Site, path: str, timeout: timedelta) -> Sighting:
        kept = self._kept_for(site, timeout)
        with kept.lock:
            sighting, address = self._ask(kept.client, client, site, path, timeout, {})
            if address != kept.local_address:
                kept.local_address, kept.opened_at = address, self._clock()
            age_s = self._clock() - kept.opened_at if address else 0.0
        return replace(sighting, connection_age_s=age_s)

    def _kept_for(self, site: Site, timeout: timedelta) -> _Kept:
        with self._lock:
            if site.url not in self._kept:
                self._kept[site.url] = _Kept(_client(timeout), Lock())
            return self._kept[site.url]

    def _ask(
        self, http: httpx.Client, client: Client, site: Site, path: str, timeout: timedelta, headers: dict[str, str]
    ) -> tuple[Sighting, object]:
        """Send one request; returns what was seen and the local address of the connection, if there was one."""
        at, begun = datetime.now(UTC), self._clock()
        ends = begun + timeout.total_seconds()
        seen = partial(_sighting, client, at)
        try:
            with http.stream("GET", site.url + path, headers=headers, timeout=timeout.total_seconds()) as response:
                in_time = self._read(response, ends)
                build = response.headers.get(site.build.header, "")
                address = response.extensions["network_stream"].get_extra_info("client_addr")
        except httpx.ReadTimeout:
            return seen(None, "", self._since(begun), note=f"no answer within {timeout.total_seconds():g} s"), None
        except httpx.TransportError as error:
            return seen(None, "", self._since(begun), answered=False, note=_path_trouble(error)), None
        if not in_time:
            return seen(None, build, self._since(begun), note="the answer did not end in time"), address
        return seen(response.status_code, build, self._since(begun)), address

    def _read(self, response: httpx.Response, ends: float) -> bool:
        """Read the body as a user would, up to a bound; tells whether it came in time."""
        received = 0
        for piece in response.iter_raw():
            received += len(piece)
            if self._clock() > ends:
                return False
            if received > _MOST_BODY_BYTES:
                break
        return True

    def _since(self, begun: float) -> float:
        return (self._clock() - begun) * 1000


def _sighting(
    client: Client,
    at: datetime,
    status: int | None,
    build: str,
    latency_ms: float,
    *,
    answered: bool = True,
    note: str = "",
) -> Sighting:
    return Sighting(
        client=client, at=at, status=status, build=build, latency_ms=latency_ms, answered=answered, note=note
    )


@cache
def _tls() -> ssl.SSLContext:
    """Build the TLS context once: reading the certificates takes tens of milliseconds."""
    return httpx.create_ssl_context()


def _client(timeout: timedelta) -> httpx.Client:
    limits = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=_KEEP_S)
    return httpx.Client(
        verify=_tls(),
        timeout=timeout.total_seconds(),
        limits=limits,
        follow_redirects=False,
        trust_env=False,
        headers={"User-Agent": USER_AGENT, "Accept": "*/*"},
    )


def _path_trouble(error: httpx.TransportError) -> str:
    return f"the site could not be reached: {type(error).__name__}"


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
        builds = Counter(sighting.build for sighting in sightings if sighting.build)
        build_seen = builds.most_common(1)[0][0] if builds else ""
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
