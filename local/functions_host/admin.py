"""The host's own routes: run a function by name, tell the host's state, and a landing page.

https://learn.microsoft.com/azure/azure-functions/functions-manually-run-non-http. A disabled function
can still be run this way, as in Azure. Everything but the ping asks for the master key.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic

from aiohttp import web

from local.functions_host.bindings import FunctionDefinition, HttpTrigger, TimerTrigger
from local.functions_host.http_server import Handler
from local.functions_host.invoker import Invoker
from local.functions_host.keys import Keys
from local.functions_host.messages import TypedData
from local.functions_host.timer_listener import timer_info
from local.functions_host.worker import Invocation


@dataclass(frozen=True)
class AdminRoutes:
    host_id: str
    instance: str
    functions: Mapping[str, FunctionDefinition]
    keys: Keys
    invoker: Invoker
    started: float  # time.monotonic()

    def register(self, app: web.Application) -> None:
        app.router.add_get("/", self._landing_page)
        app.router.add_route("*", "/admin/host/ping", self._ping)
        app.router.add_get("/admin/host/status", self._with_master_key(self._status))
        app.router.add_post("/admin/functions/{name}", self._with_master_key(self._run))
        app.router.add_route("*", "/admin/{rest:.*}", self._with_master_key(self._not_found))

    def _with_master_key(self, handler: Handler) -> Handler:
        async def guarded(request: web.Request) -> web.StreamResponse:
            if not self.keys.allow("admin", request):
                return web.Response(status=401)
            return await handler(request)

        return guarded

    async def _landing_page(self, _request: web.Request) -> web.StreamResponse:
        return web.Response(text="Your function app is up and running.")

    async def _ping(self, _request: web.Request) -> web.StreamResponse:
        return web.Response()

    async def _not_found(self, _request: web.Request) -> web.StreamResponse:
        return web.Response(status=404)

    async def _status(self, _request: web.Request) -> web.StreamResponse:
        uptime_ms = int((monotonic() - self.started) * 1000)
        state = {"id": self.host_id, "state": "Running", "version": "4.0 (local)", "processUptime": uptime_ms}
        return web.json_response({**state, "instanceId": self.instance})

    async def _run(self, request: web.Request) -> web.StreamResponse:
        function = self.functions.get(request.match_info["name"])
        if function is None:
            return web.Response(status=404)
        if isinstance(function.trigger, HttpTrigger):
            return web.Response(status=400, text="An HTTP function is run by calling its route.")
        try:
            body = json.loads(await request.text() or "{}")
            given = body.get("input") or ""
        except (ValueError, AttributeError):
            return web.Response(status=400, text='The body must be JSON: {"input": "..."}')
        self.invoker.start(Invocation(function, _trigger_value(function, given)))
        return web.Response(status=202)


def _trigger_value(function: FunctionDefinition, given: str) -> TypedData:
    if isinstance(function.trigger, TimerTrigger):
        return timer_info(None, past_due=False)
    return TypedData(string=given if isinstance(given, str) else json.dumps(given))
