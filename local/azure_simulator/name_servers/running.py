"""Starts the resolvers, and what a test does to them."""

import contextlib
from typing import Any

from aiohttp import web

from local.azure_simulator.control.requests import ControlError, read_body
from local.azure_simulator.name_servers.authority import Authority
from local.azure_simulator.name_servers.config import Mode
from local.azure_simulator.name_servers.resolver import Resolver
from local.azure_simulator.name_servers.wire import HOST, DnsServer
from local.azure_simulator.simulation import Simulation
from local.azure_simulator.strict_model import StrictModel


class ResolverChange(StrictModel):
    mode: Mode


class NameServers:
    """One resolver for each of the configured number; none in a world that has no names to resolve."""

    def __init__(self, simulation: Simulation) -> None:
        has_names = bool(simulation.dns_zones or simulation.traffic_manager_profiles)
        count = simulation.config.name_servers.resolvers if has_names else 0
        self._resolvers = [Resolver(Authority(simulation, number)) for number in range(count)]

    async def start(self, stack: contextlib.AsyncExitStack) -> list[str]:
        """Return the addresses of the resolvers, `host@port`; they end with the stack."""
        servers = [DnsServer(resolver.answer) for resolver in self._resolvers]
        for server in servers:
            await server.start()
            stack.push_async_callback(server.close)
        return [f"{HOST}@{server.port}" for server in servers]

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/_control/resolvers", self.get_resolvers),
            web.put("/_control/resolvers/{number}", self.change_resolver),
            web.delete("/_control/resolvers/caches", self.forget),
        ]

    async def get_resolvers(self, _: web.Request) -> web.Response:
        return web.json_response({"resolvers": [_state(each) for each in self._resolvers]})

    async def change_resolver(self, request: web.Request) -> web.Response:
        change = await read_body(request, ResolverChange)
        resolver = self._find(request.match_info["number"])
        resolver.mode = change.mode
        return web.json_response(_state(resolver))

    async def forget(self, request: web.Request) -> web.Response:
        for resolver in self._resolvers:
            resolver.forget()
        return await self.get_resolvers(request)

    def _find(self, number: str) -> Resolver:
        if not number.isdecimal() or int(number) >= len(self._resolvers):
            raise ControlError(f"There is no resolver {number!r}; there are {len(self._resolvers)}, from 0 on.")
        return self._resolvers[int(number)]


def _state(resolver: Resolver) -> dict[str, Any]:
    return {"mode": resolver.mode, "asked": resolver.asked, "fetched": resolver.fetched}
