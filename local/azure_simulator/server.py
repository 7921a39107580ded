"""Puts the world on the wire: one port for ARM, Monitor, identity and control, one front door per site."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
from aiohttp import web

from local.azure_simulator.background import Background
from local.azure_simulator.config import SimulatorConfig
from local.azure_simulator.control.routes import Control, explain_bad_input
from local.azure_simulator.front_door.proxy import FrontDoor
from local.azure_simulator.gateway import Gateway
from local.azure_simulator.monitor.logs import LogsApi
from local.azure_simulator.monitor.metrics import METRICS_ROUTES
from local.azure_simulator.simulation import Simulation
from local.azure_simulator.token_endpoint import TOKEN_PATH, TOKEN_ROUTES
from local.demo_site.app import DRAIN_S, serve

MAX_BODY_BYTES = 16 * 1024 * 1024


@contextlib.asynccontextmanager
async def running_simulator(config: SimulatorConfig, port: int, front_door_port: int) -> AsyncIterator[dict[str, Any]]:
    """Yields what the ready line says. `front_door_port` is for the first site; others take free ports."""
    simulation = Simulation(config)
    async with contextlib.AsyncExitStack() as stack:
        background = Background()
        stack.push_async_callback(simulation.stop_builds)
        stack.push_async_callback(background.close)
        await simulation.start_builds()
        url = await _serve_apis(stack, simulation, background, port)
        front_doors = await _serve_front_doors(stack, simulation, front_door_port)
        yield {
            "simulator": url,
            "front_doors": front_doors,
            "control": f"{url}/_control",
            "identity": {"endpoint": f"{url}{TOKEN_PATH}", "header": simulation.tokens.header_secret},
        }


async def _serve_apis(
    stack: contextlib.AsyncExitStack, simulation: Simulation, background: Background, port: int
) -> str:
    logs = stack.enter_context(contextlib.closing(LogsApi(simulation)))
    gateway = Gateway(simulation, background, [*METRICS_ROUTES, *logs.routes(), *TOKEN_ROUTES])
    app = web.Application(middlewares=[explain_bad_input], client_max_size=MAX_BODY_BYTES)
    app.add_routes(Control(simulation).routes())
    app.router.add_route("*", "/{anything:.*}", gateway.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=DRAIN_S)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, "127.0.0.1", port).start()
    host, bound_port = runner.addresses[0][:2]
    return f"http://{host}:{bound_port}"


async def _serve_front_doors(
    stack: contextlib.AsyncExitStack, simulation: Simulation, first_port: int
) -> dict[str, str]:
    # No limit and no cookie jar: one client's cookie must never travel with another client's request.
    connector, cookies = aiohttp.TCPConnector(limit=0), aiohttp.DummyCookieJar()
    client = aiohttp.ClientSession(connector=connector, cookie_jar=cookies, auto_decompress=False)
    await stack.enter_async_context(client)
    urls = {}
    for index, site in enumerate(simulation.sites.values()):
        front_door = FrontDoor(simulation, site, client)
        runner, urls[site.name] = await serve(front_door.handle, first_port if index == 0 else 0)
        stack.push_async_callback(runner.cleanup)
    return urls
