"""Starts the simulator as a process of its own, for tests, scenarios and demos written in plain sync Python."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from local.azure_simulator.config import SimulatorConfig
from local.processes import Child

CONTROL_TIMEOUT_S = 30


class ControlRefusedError(Exception):
    """The control endpoint answered an error; the message is its sentence."""


@dataclass(frozen=True, slots=True)
class RunningSimulator:
    url: str
    front_doors: dict[str, str]
    control_url: str
    identity_endpoint: str
    identity_header: str
    pid: int
    afd_endpoints: dict[str, str] = field(default_factory=dict)
    slot_fronts: dict[str, dict[str, str]] = field(default_factory=dict)
    resolvers: tuple[str, ...] = ()

    @property
    def identity_environment(self) -> dict[str, str]:
        """What App Service sets, so that ManagedIdentityCredential finds its endpoint."""
        return {"IDENTITY_ENDPOINT": self.identity_endpoint, "IDENTITY_HEADER": self.identity_header}

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """`control("PUT", "/timings", {"swap_s": 1})`; answers the JSON that came back."""
        request = Request(  # noqa: S310 - always the simulator's own loopback URL
            self.control_url + path, method=method, data=None if body is None else json.dumps(body).encode()
        )
        try:
            with urlopen(request, timeout=CONTROL_TIMEOUT_S) as answer:  # noqa: S310 - as above
                return json.load(answer)
        except HTTPError as refused:
            with refused:
                raise ControlRefusedError(refused.read().decode()) from refused


@contextmanager
def launch_simulator(
    config: SimulatorConfig, *, logs: Path | None = None, port: str = "0", front_door_port: str = "0"
) -> Iterator[RunningSimulator]:
    """Run it for as long as the `with` statement lasts.

    Args:
        logs: Folder for its configuration and its log; a temporary one by default.
        port: Where it listens; "0" is a free one.
        front_door_port: Where the first site's front door listens.

    Raises:
        RuntimeError: it did not start; the end of its log is in the message.
    """
    with ExitStack() as stack:
        folder = logs or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="simulator-")))
        written = folder / "simulator.json"
        written.write_text(config.model_dump_json(by_alias=True), encoding="utf-8")
        arguments = ["--config", str(written), "--port", port, "--front-door-port", front_door_port]
        child = Child("local.azure_simulator", arguments, folder / "simulator.log")
        yield _running(stack.enter_context(child))


def _running(child: Child) -> RunningSimulator:
    ready = child.ready
    return RunningSimulator(
        url=ready["simulator"],
        front_doors=ready["front_doors"],
        control_url=ready["control"],
        identity_endpoint=ready["identity"]["endpoint"],
        identity_header=ready["identity"]["header"],
        pid=child.process.pid,
        afd_endpoints=ready["afd_endpoints"],
        slot_fronts=ready["slot_fronts"],
        resolvers=tuple(ready["resolvers"]),
    )
