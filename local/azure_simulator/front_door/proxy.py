"""The reverse proxy of one site. Client connections live on across swaps: routing is decided per request."""

import asyncio
import time
from dataclasses import dataclass

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from local.azure_simulator.config import PRODUCTION
from local.azure_simulator.faults import ActiveFault, Api, Kind
from local.azure_simulator.front_door.routing import PIN_MAX_AGE_S, ROUTING_NAME, Choice, choose_slot
from local.azure_simulator.request_log import ServedRequest
from local.azure_simulator.simulation import Simulation
from local.azure_simulator.sites import Site, Slot

HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
NOT_FORWARDED = HOP_BY_HOP | {"host", "content-length"}
NOT_RETURNED = HOP_BY_HOP | {"content-length", "date", "server"}


@dataclass(frozen=True, slots=True)
class Answer:
    """`build` is the one that answered; None where the front door answers for a site that cannot."""

    response: web.Response
    build: str | None = None


class FrontDoor:
    def __init__(
        self, simulation: Simulation, site: Site, client: aiohttp.ClientSession, own_slot: str | None = None
    ) -> None:
        """`own_slot` makes it the slot's own host, where nobody is routed anywhere else."""
        self._simulation = simulation
        self._site = site
        self._client = client
        self._own_slot = own_slot

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        started_s = time.perf_counter()
        choice = self._choice(request)
        slot = self._site.slot(choice.slot)
        if slot is None:
            return by_front_door(404, "404 Web Site not found.").response
        body = await request.content.read()  # `request.read()` has a limit of 1 MiB
        answer = await self._answer(request, body, slot)
        self._record(request, choice, answer, len(body), time.perf_counter() - started_s)
        if choice.cookie:
            answer.response.set_cookie(ROUTING_NAME, choice.cookie, max_age=PIN_MAX_AGE_S, path="/")
        return answer.response

    def _choice(self, request: web.BaseRequest) -> Choice:
        if self._own_slot:
            return Choice(self._own_slot, pinned=False, cookie=None)
        return choose_slot(self._site, request.query, request.cookies, self._simulation.random.random())

    async def _answer(self, request: web.BaseRequest, body: bytes, slot: Slot) -> Answer:
        fault = self._simulation.faults.take(Api.FRONT_DOOR, request.headers.get("User-Agent", ""))
        if fault is None:
            return await self._serve(request, body, slot)
        return await self._serve_badly(request, body, slot, fault)

    async def _serve_badly(self, request: web.BaseRequest, body: bytes, slot: Slot, fault: ActiveFault) -> Answer:
        rule = fault.rule
        if rule.kind is Kind.STATUS:
            return by_front_door(rule.status, "The front door fails on request.", rule.retry_after_s)
        if rule.kind is Kind.CUT_BEFORE:
            return cut(request)
        if rule.kind is Kind.DELAY:
            await asyncio.sleep(rule.delay_s)
        answer = await self._serve(request, body, slot)
        return cut(request) if rule.kind is Kind.CUT_AFTER else answer

    async def _serve(self, request: web.BaseRequest, body: bytes, slot: Slot) -> Answer:
        if not slot.is_running:
            return by_front_door(403, "Error 403 - This web app is stopped.")
        content = slot.content  # a swap may move it while this request is under way
        if slot.is_cold or content.url is None or self._is_unsettled(slot):
            return by_front_door(503, "Service Unavailable")
        try:
            timeout_s = self._simulation.timings.front_door_timeout_s
            return Answer(await forward(self._client, request, body, content.url, timeout_s), content.build)
        except aiohttp.ClientConnectorError:
            return by_front_door(503, "Service Unavailable")
        except TimeoutError:
            return by_front_door(504, "504.0 GatewayTimeout")
        except aiohttp.ClientError:
            return by_front_door(502, "502 - Web server received an invalid response.")

    def _is_unsettled(self, slot: Slot) -> bool:
        """For some seconds after a swap a share of production's requests meets 503."""
        if slot.name != PRODUCTION or time.time() >= self._site.unsettled_until_s:
            return False
        return self._simulation.random.random() < self._simulation.timings.post_swap_503_share

    def _record(
        self,
        request: web.BaseRequest,
        choice: Choice,
        answer: Answer,
        received_bytes: int,
        duration_s: float,
    ) -> None:
        served = ServedRequest(
            finished_at_s=time.time(),
            site=self._site.name,
            slot=choice.slot,
            build=answer.build or self._site.slots[choice.slot].content.build,
            method=request.method,
            path=request.path,
            query=request.query_string,
            status=answer.response.status,
            duration_s=duration_s,
            user_agent=request.headers.get("User-Agent", ""),
            pinned=choice.pinned,
            by_app=answer.build is not None,
            host=request.host,
            client_ip=request.remote or "",
            received_bytes=received_bytes,
            sent_bytes=len(answer.response.body) if isinstance(answer.response.body, bytes) else 0,
        )
        self._simulation.requests.record(served)


async def forward(
    client: aiohttp.ClientSession, request: web.BaseRequest, body: bytes, url: str, timeout_s: float
) -> web.Response:
    """Raises aiohttp.ClientError and TimeoutError."""
    headers = CIMultiDict((name, value) for name, value in request.headers.items() if name.lower() not in NOT_FORWARDED)
    headers["X-Forwarded-Host"] = request.host
    headers["X-Forwarded-For"] = request.remote or ""
    timeout = aiohttp.ClientTimeout(total=timeout_s)
    target = URL(url + request.raw_path, encoded=True)
    async with client.request(
        request.method, target, data=body or None, headers=headers, allow_redirects=False, timeout=timeout
    ) as upstream:
        content = await upstream.read()
        returned = CIMultiDict(
            (name, value) for name, value in upstream.headers.items() if name.lower() not in NOT_RETURNED
        )
        return web.Response(status=upstream.status, body=content, headers=returned)


def by_front_door(status: int, text: str, retry_after_s: int | None = None) -> Answer:
    headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
    return Answer(web.Response(status=status, text=text, headers=headers))


def cut(request: web.BaseRequest) -> Answer:
    """Breaks the connection; what is returned reaches nobody, and is logged as IIS logs an aborted request."""
    if request.transport:
        request.transport.abort()
    return Answer(web.Response(status=499))
