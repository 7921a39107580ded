"""The demo site's pages: `/` for people, `/health` for probes, a small shop, all else as JSON, each with its build.

`/health` and `/health/ready` are 503 when the database is down. With a database that is degraded `/health` is 200, and
only its JSON tells. `/metrics` is for Prometheus; what is asked there is not counted.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

from aiohttp import web

from local.demo_site.faults import SERVED, BuildFaults, Database, Fate, FaultDice
from local.demo_site.features import Features
from local.demo_site.metrics import CONTENT_TYPE, ROUTE, Metrics
from local.demo_site.shop import Page, Shop, Visit

BUILD_HEADER = "x-build-id"
HANG_S = 3600.0
DRAIN_S = 1.0  # hanging requests must not keep a process that was told to end

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Demo shop</title></head>
<body><h1>Demo shop</h1><p>Build <strong id="build">{build}</strong> is serving you.</p></body></html>
"""


class DemoSite:
    """One build's request handler; `break_with` changes what is wrong with it from the next request on."""

    def __init__(self, build: str) -> None:
        self._build = build
        self._started_at = time.monotonic()
        self._dice = FaultDice.healthy()
        self._broken_feature = ""
        self._database = Database.HEALTHY
        self._sync_lag_s = 0.0
        self._metrics = Metrics()
        self._shop = Shop()
        self._features = Features.from_environment(build)
        self._pages: dict[str, Page] = {
            "/": self._front_page,
            "/health": self._health,
            "/health/live": self._live,
            "/health/ready": self._health,
        }

    def break_with(self, faults: BuildFaults) -> None:
        self._dice = FaultDice(faults)
        self._broken_feature = faults.feature
        self._database = faults.database
        self._sync_lag_s = faults.sync_lag_s

    async def handle(self, request: web.BaseRequest) -> web.Response:
        if request.path == ROUTE:
            return web.Response(text=self._metrics.text(self._sync_lag_s), headers={"Content-Type": CONTENT_TYPE})
        begun = time.monotonic()
        response = await self._answer(request)
        took_s, database = time.monotonic() - begun, self._database is not Database.DOWN
        self._metrics.answered(request.method, request.path, response.status, took_s, database=database)
        return response

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        visit = Visit(request, await request.content.read())
        fate = self._fate(request)
        if fate.hangs:
            await asyncio.sleep(HANG_S)
        if fate.delay_s:
            await asyncio.sleep(fate.delay_s)
        response = self._page_for(request)(visit) if fate.status == 200 else self._failure(fate.status)
        response.headers[BUILD_HEADER] = self._build
        return response

    def _fate(self, request: web.BaseRequest) -> Fate:
        fate = self._dice.roll(request.path)
        spared = self._broken_feature and not self._features.lets_in(self._broken_feature, request)
        return SERVED if spared else fate

    def _page_for(self, request: web.BaseRequest) -> Page:
        in_shop = self._shop.page_for(request.method, request.path)
        if in_shop and self._database is Database.DOWN:
            return lambda _: self._failure(503)
        by_path = self._pages.get(request.path) or self._features.page_for(request.path)
        return in_shop or by_path or self._anything

    def _front_page(self, _: Visit) -> web.Response:
        return web.Response(text=PAGE.format(build=self._build), content_type="text/html")

    def _health(self, _: Visit) -> web.Response:
        down = self._database is Database.DOWN
        health = {
            "status": "unhealthy" if down else self._database.value,
            "build": self._build,
            "uptime_s": round(time.monotonic() - self._started_at, 3),
            "dependencies": {"database": {"status": self._database.value}},
        }
        return web.json_response(health, status=503 if down else 200)

    def _live(self, _: Visit) -> web.Response:
        return web.json_response({"status": "healthy", "build": self._build})

    def _anything(self, visit: Visit) -> web.Response:
        asked = {"method": visit.request.method, "path": visit.request.path}
        return web.json_response({"build": self._build, **asked, "items": []})

    def _failure(self, status: int) -> web.Response:
        return web.json_response({"build": self._build, "error": "the build fails on purpose"}, status=status)


async def serve(
    handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]], port: int
) -> tuple[web.ServerRunner, str]:
    """Serves on loopback; port 0 takes a free one. Answers the runner to clean up and the URL."""
    runner = web.ServerRunner(web.Server(handler, access_log=None), shutdown_timeout=DRAIN_S)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    host, bound_port = runner.addresses[0][:2]
    return runner, f"http://{host}:{bound_port}"
