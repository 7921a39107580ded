"""The demo site's pages: `/` for people, `/health` for probes, anything else as JSON; each names its build."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from aiohttp import web

from local.demo_site.faults import BuildFaults, FaultDice

BUILD_HEADER = "x-build-id"
HANG_S = 3600.0
DRAIN_S = 1.0  # hanging requests must not keep a process that was told to end

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Demo shop</title></head>
<body><h1>Demo shop</h1><p>Build <strong id="build">{build}</strong> is serving you.</p></body></html>
"""

type Page = Callable[[web.BaseRequest], web.Response]


class DemoSite:
    """One build's request handler; `break_with` changes what is wrong with it from the next request on."""

    def __init__(self, build: str) -> None:
        self._build = build
        self._started_at = time.monotonic()
        self._dice = FaultDice.healthy()
        self._pages: dict[str, Page] = {"/": self._front_page, "/health": self._health}

    def break_with(self, faults: BuildFaults) -> None:
        self._dice = FaultDice(faults)

    async def handle(self, request: web.BaseRequest) -> web.Response:
        await request.content.read()
        fate = self._dice.roll()
        if fate.hangs:
            await asyncio.sleep(HANG_S)
        if fate.delay_s:
            await asyncio.sleep(fate.delay_s)
        page = self._pages.get(request.path, self._anything)
        response = page(request) if fate.status == web.HTTPOk.status_code else self._failure(fate.status)
        response.headers[BUILD_HEADER] = self._build
        return response

    def _front_page(self, _: web.BaseRequest) -> web.Response:
        return web.Response(text=PAGE.format(build=self._build), content_type="text/html")

    def _health(self, _: web.BaseRequest) -> web.Response:
        uptime_s = round(time.monotonic() - self._started_at, 3)
        orders = {"name": "orders-database", "status": "healthy", "response_ms": 1}
        return web.json_response(
            {"status": "healthy", "build": self._build, "uptime_s": uptime_s, "dependencies": [orders]}
        )

    def _anything(self, request: web.BaseRequest) -> web.Response:
        return web.json_response({"build": self._build, "method": request.method, "path": request.path, "items": []})

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
