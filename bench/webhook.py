"""How many alerts a second the app takes in and how long each sender waits, through the real host and storage.

The peer is `/api/health/live` of the same host, which touches nothing: the difference is what an alert costs us.
"""

import asyncio
from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Any

import aiohttp

from bench.alert_body import alert_body
from bench.measuring import Figure, progress, timed
from local.rig.rig import Rig

ROUNDS = 20
REQUESTS = 32
SENDERS = 8

type Request = Callable[[aiohttp.ClientSession, int], Any]


def webhook() -> Iterator[Figure]:
    """Latency and throughput, both beside the peer's."""
    with Rig() as rig:
        headers = {"x-functions-key": rig.function_key}
        taken, peer = asyncio.run(_rounds(rig.app_url, headers))
    yield Figure("webhook_latency", "ms", taken.latencies_ms, peer=Figure("live_latency", "ms", peer.latencies_ms))
    yield Figure(
        "webhook_throughput", "requests/s", taken.rates, peer=Figure("live_throughput", "requests/s", peer.rates)
    )


class _Load:
    """Sends one kind of request, `SENDERS` at a time."""

    def __init__(self, session: aiohttp.ClientSession, request: Request, expected: int) -> None:
        self._session = session
        self._request = request
        self._expected = expected
        self._sent = 0
        self.latencies_ms: list[float] = []
        self.rates: list[float] = []

    async def round(self, *, kept: bool = True) -> None:
        """Send `REQUESTS` requests; a round that is not kept warms up."""
        latencies_ms: list[float] = []
        begun = perf_counter()
        await asyncio.gather(*(self._send(latencies_ms) for _ in range(SENDERS)))
        if kept:
            self.rates.append(len(latencies_ms) / (perf_counter() - begun))
            self.latencies_ms += latencies_ms

    async def _send(self, latencies_ms: list[float]) -> None:
        for _ in range(REQUESTS // SENDERS):
            self._sent += 1
            with timed(latencies_ms):
                async with self._request(self._session, self._sent) as answer:
                    await answer.read()
            assert answer.status == self._expected, answer.status


async def _rounds(url: str, headers: dict[str, str]) -> tuple[_Load, _Load]:
    """Take turns, so that whatever else the machine does meets both."""
    async with aiohttp.ClientSession(url, headers=headers) as session:
        alerts = _Load(
            session, lambda s, number: s.post("/api/alerts", json=alert_body("demo-5xx", str(number), "Resolved")), 202
        )
        live = _Load(session, lambda s, _: s.get("/api/health/live"), 200)
        for load in (alerts, live):
            await load.round(kept=False)
        for _ in progress(range(ROUNDS), description="webhook"):
            await alerts.round()
            await live.round()
    return alerts, live
