"""One host instance: loads the app, serves and listens, and stops without losing work."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from aiohttp import web

from local.functions_host.admin import AdminRoutes
from local.functions_host.app_settings import AppSettings
from local.functions_host.bindings import FunctionDefinition, define_function
from local.functions_host.host_json import HostConfiguration, read_host_json
from local.functions_host.http_server import MAX_BODY_BYTES, build_endpoints, function_handler
from local.functions_host.invoker import Invoker
from local.functions_host.keys import Keys
from local.functions_host.listeners import Listener, ListenerFactory
from local.functions_host.outputs import QueueOutputs
from local.functions_host.storage_clients import StorageClients
from local.functions_host.wakeups import Wakeups
from local.functions_host.worker import load_app


@dataclass(frozen=True)
class HostOptions:
    app_dir: Path
    port: int  # 0: any free one
    instance: str
    host_id: str  # instances with the same id share their timers' locks
    keys: Keys
    deliver_twice: bool
    drain_s: float


class Host:
    """`start`, then `stop`; `functions` and `url` are valid in between."""

    def __init__(self, options: HostOptions, settings: AppSettings) -> None:
        self._options = options
        self._settings = settings
        self._clients = StorageClients(settings)
        self._listeners: list[Listener] = []
        self._runs: list[asyncio.Task[None]] = []
        self._runner: web.AppRunner | None = None
        self._invoker: Invoker | None = None
        self.functions: list[FunctionDefinition] = []
        self.url = ""

    @property
    def is_running_functions(self) -> bool:
        return self._invoker is not None and self._invoker.running > 0

    async def start(self) -> None:
        """Raises HostError before any work was taken."""
        configuration = read_host_json(self._options.app_dir)
        metadata = await load_app(self._options.app_dir)
        self.functions = [define_function(each, self._settings) for each in metadata]
        wakeups = Wakeups()
        outputs = QueueOutputs(self._clients, configuration.queues.message_encoding, wakeups)
        self._invoker = Invoker(outputs, configuration.function_timeout)
        factory = ListenerFactory(
            host_id=self._options.host_id,
            configuration=configuration,
            clients=self._clients,
            wakeups=wakeups,
            invoke=self._invoker.invoke,
            deliver_twice=self._options.deliver_twice,
        )
        self._listeners = factory.build(self.functions)
        app = self._web_application(configuration, self._invoker)
        await factory.create_storage(self.functions)
        await self._serve(app)
        self._runs = [asyncio.create_task(listener.run()) for listener in self._listeners]

    async def serve_until(self, told_to_stop: asyncio.Event) -> None:
        """Raises what ended a listener that should have gone on."""
        told = asyncio.create_task(told_to_stop.wait())
        done, _ = await asyncio.wait([told, *self._runs], return_when=asyncio.FIRST_COMPLETED)
        told.cancel()
        for task in done:
            task.result()

    async def stop(self) -> None:
        """Take no more work, let running calls end for up to `drain_s`, give back the leases."""
        for listener in self._listeners:
            listener.stop()
        ending = list(self._runs)
        if self._runner is not None:
            ending.append(asyncio.create_task(self._runner.cleanup()))
        if self._invoker is not None:
            ending.append(asyncio.create_task(self._invoker.drain()))
        if ending:
            _, late = await asyncio.wait(ending, timeout=self._options.drain_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*ending, return_exceptions=True)
        await self._clients.close()

    def _web_application(self, configuration: HostConfiguration, invoker: Invoker) -> web.Application:
        keys = self._options.keys
        app = web.Application(client_max_size=MAX_BODY_BYTES)
        AdminRoutes(
            host_id=self._options.host_id,
            instance=self._options.instance,
            functions={function.name: function for function in self.functions},
            keys=keys,
            invoker=invoker,
            started=monotonic(),
        ).register(app)
        endpoints = build_endpoints(self.functions, configuration.route_prefix, keys)
        app.router.add_route("*", "/{path:(?s:.*)}", function_handler(endpoints, keys, invoker.invoke))
        return app

    async def _serve(self, app: web.Application) -> None:
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=self._options.drain_s)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._options.port).start()
        address, port = self._runner.addresses[0][:2]
        self.url = f"http://{address}:{port}"
