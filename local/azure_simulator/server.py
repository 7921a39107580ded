"""Puts the world on the wire: one port for ARM, Monitor, identity and control, one front door per site."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
from aiohttp import web

from local.azure_simulator.afd.control import AfdControl
from local.azure_simulator.afd.proxy import AfdFront
from local.azure_simulator.afd.routes import AFD_ROUTES
from local.azure_simulator.app_configuration.control import AppConfigurationControl
from local.azure_simulator.app_configuration.routes import APP_CONFIGURATION_ROUTES
from local.azure_simulator.authorization.routes import AUTHORIZATION_ROUTES
from local.azure_simulator.background import Background
from local.azure_simulator.config import SimulatorConfig
from local.azure_simulator.control.requests import explain_bad_input
from local.azure_simulator.control.routes import Control
from local.azure_simulator.control.slots import SlotsControl
from local.azure_simulator.costs.control import CostsControl
from local.azure_simulator.costs.routes import COST_ROUTES
from local.azure_simulator.dns_zones.control import DnsZonesControl
from local.azure_simulator.dns_zones.routes import DNS_ZONES_ROUTES
from local.azure_simulator.front_door.proxy import FrontDoor
from local.azure_simulator.gateway import Gateway
from local.azure_simulator.hook_target.control import HookControl
from local.azure_simulator.hook_target.routes import HOOK_ROUTES
from local.azure_simulator.monitor.logs import LogsApi
from local.azure_simulator.monitor.metrics import METRICS_ROUTES
from local.azure_simulator.monitor.readings import ReadingsControl
from local.azure_simulator.name_servers.running import NameServers
from local.azure_simulator.resource_health.routes import RESOURCE_HEALTH_ROUTES, ResourceHealthControl
from local.azure_simulator.simulation import Simulation
from local.azure_simulator.token_endpoint import TOKEN_PATH, TOKEN_ROUTES
from local.azure_simulator.traffic_manager.control import TrafficManagerControl
from local.azure_simulator.traffic_manager.routes import TRAFFIC_MANAGER_ROUTES
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
        stack.enter_context(simulation.feature_cache)
        await simulation.start_builds()
        name_servers = NameServers(simulation)
        url = await _serve_apis(stack, simulation, background, port, name_servers)
        front_doors = await _serve_front_doors(stack, simulation, front_door_port)
        slot_fronts = await _serve_slot_fronts(stack, simulation)
        afd_endpoints = await _serve_afd(stack, simulation, front_doors)
        yield {
            "simulator": url,
            "front_doors": front_doors,
            "slot_fronts": slot_fronts,
            "afd_endpoints": afd_endpoints,
            "resolvers": await name_servers.start(stack),
            "control": f"{url}/_control",
            "identity": {"endpoint": f"{url}{TOKEN_PATH}", "header": simulation.tokens.header_secret},
        }


async def _serve_apis(
    stack: contextlib.AsyncExitStack,
    simulation: Simulation,
    background: Background,
    port: int,
    name_servers: NameServers,
) -> str:
    logs = stack.enter_context(contextlib.closing(LogsApi(simulation)))
    more_routes = [*TRAFFIC_MANAGER_ROUTES, *DNS_ZONES_ROUTES, *AFD_ROUTES, *APP_CONFIGURATION_ROUTES, *HOOK_ROUTES]
    own_routes = [*METRICS_ROUTES, *logs.routes(), *TOKEN_ROUTES, *AUTHORIZATION_ROUTES]
    own_routes += [*COST_ROUTES, *RESOURCE_HEALTH_ROUTES]
    gateway = Gateway(simulation, background, [*own_routes, *more_routes])
    app = web.Application(middlewares=[explain_bad_input], client_max_size=MAX_BODY_BYTES)
    app.add_routes(Control(simulation).routes())
    app.add_routes(SlotsControl(simulation).routes())
    app.add_routes(AfdControl(simulation).routes())
    for control in (TrafficManagerControl(simulation), DnsZonesControl(simulation), name_servers):
        app.add_routes(control.routes())
    app.add_routes(AppConfigurationControl(simulation).routes())
    app.add_routes(HookControl(simulation).routes())
    for told in (CostsControl(simulation), ResourceHealthControl(simulation), ReadingsControl(simulation)):
        app.add_routes(told.routes())
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
    client = await _forwarding_client(stack)
    urls = {}
    for index, site in enumerate(simulation.sites.values()):
        front_door = FrontDoor(simulation, site, client)
        runner, urls[site.name] = await serve(front_door.handle, first_port if index == 0 else 0)
        stack.push_async_callback(runner.cleanup)
    return urls


async def _serve_slot_fronts(stack: contextlib.AsyncExitStack, simulation: Simulation) -> dict[str, dict[str, str]]:
    """The own host of each slot that there is at the start, by site and slot."""
    client = await _forwarding_client(stack)
    urls: dict[str, dict[str, str]] = {}
    for site in simulation.sites.values():
        for slot in site.slots.values():
            if slot is not site.production:
                front = FrontDoor(simulation, site, client, own_slot=slot.name)
                runner, url = await serve(front.handle, 0)
                stack.push_async_callback(runner.cleanup)
                urls.setdefault(site.name, {})[slot.name] = url
    return urls


async def _serve_afd(
    stack: contextlib.AsyncExitStack, simulation: Simulation, front_doors: Mapping[str, str]
) -> dict[str, str]:
    """Each endpoint of Azure Front Door on a port of its own, by the endpoint's name."""
    client = await _forwarding_client(stack)
    sites = {site.host_name(site.production.name): front_doors[site.name] for site in simulation.sites.values()}
    urls = {}
    for profile in simulation.afd_profiles.values():
        for group in profile.groups.values():
            front = AfdFront(simulation, profile, group, client, sites)
            runner, urls[group.endpoint] = await serve(front.handle, 0)
            stack.push_async_callback(runner.cleanup)
    return urls


async def _forwarding_client(stack: contextlib.AsyncExitStack) -> aiohttp.ClientSession:
    """No limit and no cookie jar: one client's cookie must never travel with another client's request."""
    connector, cookies = aiohttp.TCPConnector(limit=0), aiohttp.DummyCookieJar()
    client = aiohttp.ClientSession(connector=connector, cookie_jar=cookies, auto_decompress=False)
    return await stack.enter_async_context(client)
