"""Where users reach an endpoint of Front Door: a connection lands at one edge and stays there as long as it lives.

Affinity: https://learn.microsoft.com/azure/frontdoor/routing-methods#affinity (cookie ASLBSA).
"""

import asyncio
import hashlib
import itertools
import time
from collections.abc import Mapping
from weakref import WeakKeyDictionary

import aiohttp
from aiohttp import web

from local.azure_simulator.afd.edges import Edge
from local.azure_simulator.afd.profiles import OriginGroup, Profile
from local.azure_simulator.front_door.proxy import forward
from local.azure_simulator.simulation import Simulation

AFFINITY = "ASLBSA"
NO_ORIGIN = "Our services aren't available right now"


class AfdFront:
    """`sites` are the URLs of the sites' own front doors by host name."""

    def __init__(
        self,
        simulation: Simulation,
        profile: Profile,
        group: OriginGroup,
        client: aiohttp.ClientSession,
        sites: Mapping[str, str],
    ) -> None:
        self._simulation = simulation
        self._profile = profile
        self._group = group
        self._client = client
        self._sites = sites
        self._in_turn = itertools.cycle(profile.edges)
        self._landed: WeakKeyDictionary[asyncio.BaseTransport, Edge] = WeakKeyDictionary()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        edge = self._edge(request)
        routing = edge.configuration(time.monotonic())[self._group.name]
        kept = request.cookies.get(AFFINITY)
        chosen = routing.choose(self._is_healthy, lambda origin: _token(origin) == kept, self._simulation.random)
        if chosen is None:
            return _by_edge(edge, web.Response(status=503, text=NO_ORIGIN))
        response = _by_edge(edge, await self._forward(request, chosen.origin))
        if routing.session_affinity:
            response.set_cookie(AFFINITY, _token(chosen.origin), path="/")
        return response

    def _edge(self, request: web.BaseRequest) -> Edge:
        if request.transport is None:
            return self._profile.edges[0]
        if request.transport not in self._landed:
            self._landed[request.transport] = next(self._in_turn)
        return self._landed[request.transport]

    def _is_healthy(self, origin: str) -> bool:
        return self._group.origins[origin.casefold()].is_healthy

    async def _forward(self, request: web.BaseRequest, name: str) -> web.Response:
        origin = self._group.origins[name.casefold()]
        url = origin.url or self._sites.get(str(origin.properties["hostName"]).casefold())
        if url is None:
            return web.Response(status=503, text=f"{NO_ORIGIN}: the name of the origin does not resolve")
        body = await request.content.read()
        try:
            return await forward(self._client, request, body, url, self._simulation.timings.front_door_timeout_s)
        except TimeoutError:
            return web.Response(status=504, text="504 Gateway Timeout")
        except aiohttp.ClientError:
            return web.Response(status=503, text=NO_ORIGIN)


def _by_edge(edge: Edge, response: web.Response) -> web.Response:
    response.headers["x-azure-ref"] = edge.name
    return response


def _token(origin: str) -> str:
    return hashlib.sha256(origin.casefold().encode()).hexdigest()
