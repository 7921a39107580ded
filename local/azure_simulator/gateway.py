"""The way of every Azure call: find the route, suffer the fault that is set, prove who you are, be served.

The first checks are ARM's; Monitor's data planes share the token check only.
"""

import asyncio
import json
from json import JSONDecodeError

from aiohttp import web

from local.azure_simulator.api import Audience, Call, Route
from local.azure_simulator.arm import errors
from local.azure_simulator.arm.checks import CHECKS_BEHIND_THROTTLE, ArmThrottle, api_version, required_action
from local.azure_simulator.arm.routes import ARM_ROUTES
from local.azure_simulator.background import Background
from local.azure_simulator.distortions import DISTORTIONS
from local.azure_simulator.faults import ActiveFault, Api, Kind
from local.azure_simulator.simulation import Simulation
from local.azure_simulator.stale import LastAnswers

NO_ROUTE = "The requested resource does not support http method or path '{method} {path}'."


class Gateway:
    def __init__(self, simulation: Simulation, background: Background, routes: list[Route]) -> None:
        self._simulation = simulation
        self._background = background
        self._routes = [*ARM_ROUTES, *routes]
        self._throttle = ArmThrottle(simulation)
        self._last_answers = LastAnswers()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        call = self._find(request)
        if call is None:
            message = NO_ROUTE.format(method=request.method, path=request.path)
            return errors.arm_error(404, "NotFound", message)
        self._simulation.calls[call.route.api] += 1
        if call.route.api is not Api.SWAP:
            return await self._with_fault(call)
        return await self._journaled(call)

    def _find(self, request: web.BaseRequest) -> Call | None:
        for route in self._routes:
            match = route.pattern.fullmatch(request.path)
            if match and route.method == request.method:
                parameters = {name: value for name, value in match.groupdict().items() if value is not None}
                return Call(self._simulation, self._background, request, route, parameters)
        return None

    async def _journaled(self, call: Call) -> web.StreamResponse:
        journal = self._simulation.journal
        # ARM takes names in any case; the journal is read by the site's own name.
        names = call.parameters["site"], call.parameters.get("slot", "production")
        post = journal.open(*(name.casefold() for name in names))
        response = await self._with_fault(call)
        if call.accepted:
            journal.accept(post)
        post.status = None if call.is_cut else response.status
        return response

    async def _with_fault(self, call: Call) -> web.StreamResponse:
        call.fault = fault = self._simulation.faults.take(call.route.api)
        if fault is None:
            return self._last_answers.remember(call, await self._serve(call))
        if refusal := await suffer(call, fault):
            return refusal
        if fault.rule.kind is Kind.STALE and (old := self._last_answers.recall(call)):
            return old
        return distort(call, fault, await self._serve(call))

    async def _serve(self, call: Call) -> web.Response:
        if refusal := self._refusal(call):
            return refusal
        try:
            call.body = await call.request.json() if call.request.can_read_body else None
        except JSONDecodeError:
            return errors.arm_error(400, "InvalidRequestContent", "The request content is not valid JSON.")
        response = pretended_conflict(call) or await call.route.handler(call)
        if call.route.audience is Audience.ARM:
            response.headers.update(self._throttle.headers(call))
        return response

    def _refusal(self, call: Call) -> web.Response | None:
        if refusal := token_refusal(call):
            return refusal
        if call.route.audience is not Audience.ARM:
            return None
        if refusal := api_version(call) or self._throttle.refusal(call):
            return refusal
        for check in CHECKS_BEHIND_THROTTLE:
            if refusal := check(call):
                return refusal
        return None


def token_refusal(call: Call) -> web.Response | None:
    if call.route.audience is Audience.NOBODY:
        return None
    scheme, _, token = call.request.headers.get("Authorization", "").partition(" ")
    if scheme.casefold() != "bearer" or not token:
        message = "Authentication failed. The 'Authorization' header is missing."
        return errors.unauthorized("AuthenticationFailed", message)
    audience = call.simulation.tokens.audience_of(token)
    if audience is None:
        return errors.unauthorized("ExpiredAuthenticationToken", "The access token is unknown or has expired.")
    # The SDK's log client asks for a token for its endpoint, which here is the simulator itself.
    if audience not in (*call.route.audience.value, call.base_url):
        message = f"The access token has been obtained for wrong audience or resource '{audience}'."
        return errors.unauthorized("InvalidAuthenticationTokenAudience", message)
    return None


async def suffer(call: Call, fault: ActiveFault) -> web.Response | None:
    """What the fault answers in the API's place; None where the call still has to be served."""
    rule = fault.rule
    match rule.kind:
        case Kind.DELAY:
            await asyncio.sleep(rule.delay_s)
        case Kind.CUT_BEFORE:
            return cut(call)
        case Kind.STATUS:
            headers = {} if rule.retry_after_s is None else {"Retry-After": str(rule.retry_after_s)}
            return errors.arm_error(rule.status, "InjectedFault", "The platform fails on request.", headers)
        case Kind.FORBIDDEN:
            return errors.authorization_failed(required_action(call), call.request.path)
    return None


def pretended_conflict(call: Call) -> web.Response | None:
    """App Service's own refusals come after ARM's checks, pretended ones too."""
    kind = call.fault.rule.kind if call.fault else None
    if kind is Kind.CONFLICT_IN_PROGRESS:
        return errors.in_progress(call.simulation, call.site, call.slot)
    return errors.prepared_for_swap() if kind is Kind.CONFLICT_PREVIEW else None


def distort(call: Call, fault: ActiveFault, response: web.Response) -> web.Response:
    if fault.rule.kind is Kind.CUT_AFTER:
        return cut(call)
    distortion = DISTORTIONS.get((call.route.api, fault.rule.kind))
    if distortion is None or response.status != web.HTTPOk.status_code or response.text is None:
        return response
    return web.json_response(distortion(json.loads(response.text)))


def cut(call: Call) -> web.Response:
    """Breaks the connection; what is returned reaches nobody."""
    call.is_cut = True
    if call.request.transport:
        call.request.transport.abort()
    return web.Response(status=499)
