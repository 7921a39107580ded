"""The HTTP face: functions behind their routes and keys.

As in Azure: no route, a method no route takes, and a disabled function all answer 404; a missing or
wrong key 401; a function that raises 500 with an empty body; a body above 100 MB 413.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from aiohttp import web

from local.functions_host.bindings import FunctionDefinition, HttpOutput, HttpTrigger
from local.functions_host.errors import ConfigurationError, FunctionFailed
from local.functions_host.http_messages import request_to_typed_data, response_from_typed_data
from local.functions_host.invoker import Invoke
from local.functions_host.keys import Keys
from local.functions_host.routes import Route, parse_route
from local.functions_host.worker import Invocation, new_trace_parent

MAX_BODY_BYTES = 100 * 1024 * 1024

type Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Endpoint:
    route: Route
    trigger: HttpTrigger
    function: FunctionDefinition

    def match(self, method: str, path: str) -> dict[str, str] | None:
        if self.trigger.methods and method not in self.trigger.methods:
            return None
        return self.route.match(path)


def build_endpoints(functions: Sequence[FunctionDefinition], route_prefix: str, keys: Keys) -> list[Endpoint]:
    """The enabled HTTP functions, the one that answers first first."""
    endpoints = [
        _endpoint(function, function.trigger, route_prefix, keys)
        for function in functions
        if isinstance(function.trigger, HttpTrigger) and not function.disabled
    ]
    return sorted(endpoints, key=lambda endpoint: endpoint.route.precedence)


def _endpoint(function: FunctionDefinition, trigger: HttpTrigger, prefix: str, keys: Keys) -> Endpoint:
    try:
        keys.check_level(trigger.auth_level)
        return Endpoint(parse_route(f"{prefix}/{trigger.route.lstrip('/')}"), trigger, function)
    except ConfigurationError as error:
        raise ConfigurationError(f"function {function.name}: {error}") from None


def function_handler(endpoints: Sequence[Endpoint], keys: Keys, invoke: Invoke) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        for endpoint in endpoints:
            route_params = endpoint.match(request.method, request.rel_url.raw_path)
            if route_params is None:
                continue
            if not keys.allow(endpoint.trigger.auth_level, request):
                return web.Response(status=401)
            return await _answer(request, endpoint.function, route_params, invoke)
        return web.Response(status=404)

    return handle


async def _answer(
    request: web.Request, function: FunctionDefinition, route_params: dict[str, str], invoke: Invoke
) -> web.StreamResponse:
    trigger = await request_to_typed_data(request, route_params)
    invocation = Invocation(function, trigger, trace_parent=_trace_parent(request))
    try:
        values = await invoke(invocation)
    except FunctionFailed:
        return web.Response(status=500)
    names = [output.parameter for output in function.outputs if isinstance(output, HttpOutput)]
    return response_from_typed_data(next((values[name] for name in names if name in values), None))


def _trace_parent(request: web.Request) -> str:
    return request.headers.get("traceparent") or new_trace_parent()
