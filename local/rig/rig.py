"""Starts storage, simulator, demo site and one or more function hosts, and stops all of it again.

Ports and the function key come from RIG_* variables or are free ones:
RIG_APP_PORT, RIG_SIMULATOR_PORT, RIG_SITE_PORT, RIG_FUNCTION_KEY.
"""

import os
import secrets
import shutil
import socket
import tempfile
from base64 import b64encode
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from local.azure_simulator.config import SimulatorConfig, default_config
from local.azure_simulator.launch import RunningSimulator, launch_simulator
from local.azurite import Azurite
from local.processes import Child
from local.rig.inbox import Inbox

APP_FOLDER = Path(__file__).parents[2]
SITE = "demo"
# The slot in which the shipped policy expects the good build.
_GOOD_SLOT = "last-good"
# What else belongs to the world of a running simulator; gives the app settings that speak of it.
type Surroundings = Callable[[RunningSimulator], AbstractContextManager[Mapping[str, str]]]


@dataclass(kw_only=True)
class RigOptions:
    """How the rig differs from the usual one.

    Attributes:
        config: What the simulator starts with.
        hosts: How many function hosts share the storage.
        deliver_twice: Every queue message is delivered twice, as a queue may.
        settings: App settings over the usual ones.
        surroundings: Entered between simulator and hosts; its settings go over all others.
        logs: Folder for the processes' logs; a temporary one by default.
    """

    config: SimulatorConfig = field(default_factory=default_config)
    hosts: int = 1
    deliver_twice: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)
    surroundings: Surroundings = field(default=lambda _: nullcontext({}))
    logs: Path | None = None


class Rig:
    """A running rig; use it in a `with` statement."""

    def __init__(self, options: RigOptions | None = None) -> None:
        self.options = options or RigOptions()
        self.hosts: list[Child] = []
        self._link_key = b64encode(secrets.token_bytes(32)).decode()

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            self._start(starting)
            self._stack = starting.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _start(self, stack: ExitStack) -> None:
        self.logs = self.options.logs or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rig-")))
        self.logs.mkdir(parents=True, exist_ok=True)
        self.storage = stack.enter_context(Azurite()).connection_string
        self.inbox = stack.enter_context(Inbox())
        self.simulator = stack.enter_context(
            launch_simulator(
                self.options.config,
                logs=self.logs,
                port=os.environ.get("RIG_SIMULATOR_PORT", "0"),
                front_door_port=os.environ.get("RIG_SITE_PORT", "0"),
            )
        )
        self._of_surroundings = stack.enter_context(self.options.surroundings(self.simulator))
        self._app_port = os.environ.get("RIG_APP_PORT") or _free_port()
        stack.callback(self._end_hosts)
        for number in range(self.options.hosts):
            self.start_host(number)

    def _end_hosts(self) -> None:
        for host in self.hosts:
            host.end()

    def start_host(self, number: int = 0) -> Child:
        """Start one more function host, or one in the place of a killed one."""
        port = self._app_port if number == 0 else "0"
        arguments = ["--app-dir", str(APP_FOLDER), "--port", port, "--instance", f"host-{number}"]
        if self.options.deliver_twice:
            arguments.append("--deliver-twice")
        host = Child("local.functions_host", arguments, self.logs / f"host-{number}.log", self.app_settings())
        self.hosts[number : number + 1] = [host]
        return host

    def app_settings(self) -> dict[str, str]:
        """The app settings that a deployment would set."""
        config, simulator = self.options.config, self.simulator
        return {
            "AzureWebJobsStorage": self.storage,
            "POLICY_FOLDER": self.options.settings.get("POLICY_FOLDER") or self._of_the_demo(),
            "PYTHON_THREADPOOL_THREAD_COUNT": "32",
            "WATCH_SCHEDULE": "*/10 * * * * *",
            "EVALUATE_SCHEDULE": "5/30 * * * * *",
            "POISON_SCHEDULE": "*/5 * * * * *",
            "READINESS_SCHEDULE": "*/5 * * * * *",
            "ROLL_UP_SCHEDULE": "50 */5 * * * *",
            "ARM_ENDPOINT": simulator.url,
            "METRICS_ENDPOINT": simulator.url,
            "LOGS_ENDPOINT": simulator.url,
            **simulator.identity_environment,
            "CHANNEL_WEBHOOK_OPS": self.inbox.url,
            "LINK_KEY": self._link_key,
            "LINK_ADDRESS": f"http://127.0.0.1:{self._app_port}/api/answers",
            "GUARDED_SITE_ID": self.site_id(),
            "GUARDED_SITE_REGION": config.location,
            "GUARDED_SITE_URL": self.site_url,
            **self._of_slot(),
            "GUARDED_WORKSPACE_ID": config.sites[0].workspace_id,
            "RIG_FUNCTION_KEY": os.environ.get("RIG_FUNCTION_KEY", "rig-function-key"),
            **self.options.settings,
            **self._of_surroundings,
        }

    def _of_the_demo(self) -> str:
        """A folder with the demo's policy alone: the worked examples beside it guard what is not here."""
        folder = self.logs.absolute() / "demo-policy"
        folder.mkdir(exist_ok=True)
        shutil.copy(APP_FOLDER / "policies" / "demo.yaml", folder)
        return str(folder)

    def _of_slot(self) -> dict[str, str]:
        """Where the slot of the guarded site answers, if it has one: here, slots have ports, no hosts."""
        fronts = self.simulator.slot_fronts.get(self.options.config.sites[0].name, {})
        return {"GUARDED_SLOT_URL": fronts[_GOOD_SLOT]} if _GOOD_SLOT in fronts else {}

    def site_id(self, name: str | None = None) -> str:
        """ARM id of the site of that name; of the guarded site, the first, if none is given."""
        config = self.options.config
        group = f"/subscriptions/{config.subscription_id}/resourceGroups/{config.resource_group}"
        return f"{group}/providers/Microsoft.Web/sites/{name or config.sites[0].name}"

    @property
    def site_url(self) -> str:
        """The front door of the guarded site."""
        return self.simulator.front_doors[self.options.config.sites[0].name]

    @property
    def app_url(self) -> str:
        return str(self.hosts[0].ready["url"])

    @property
    def function_key(self) -> str:
        return str(self.hosts[0].ready["function_key"])


def _free_port() -> str:
    """Return a port that is free now: links name it before the host that answers them has started."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return str(found.getsockname()[1])
