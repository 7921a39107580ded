"""Hosts in processes of their own, over one real Azurite, and the journal their sample app writes."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import pytest
from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobClient, ContainerClient
from azure.storage.queue import QueueClient

from local.processes import Child

SAMPLE_APP = Path(__file__).parent / "sample_app"
ONCE_A_YEAR = "0 0 3 1 1 *"
NOTHING: Mapping[str, str] = {}
KEYS = {"RIG_FUNCTION_KEY": "the-function-key", "RIG_MASTER_KEY": "the-master-key"}


def wait_until[T](probe: Callable[[], T], within_s: float = 8.0) -> T:
    """The first truthy answer; fails the test when there is none in time."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if answer := probe():
            return answer
        time.sleep(0.03)
    pytest.fail(f"nothing within {within_s} s from {probe}")


@dataclass(frozen=True)
class World:
    """What one test's hosts share: their host id, settings, queues, and one journal."""

    folder: Path
    storage: str
    bytecode_cache: Path
    host_id: str = field(default_factory=lambda: f"test-{uuid4().hex[:12]}")

    @property
    def settings(self) -> dict[str, str]:
        return {
            "AzureWebJobsStorage": self.storage,
            "JOURNAL": str(self._journal),
            "WORK_QUEUE": f"{self.host_id}-work",
            "DONE_QUEUE": f"{self.host_id}-done",
            "TICK_SCHEDULE": ONCE_A_YEAR,
            "AzureWebJobs_at_startup_Disabled": "true",
            # Each start would spend a second on compiling the SDKs where bytecode is not kept.
            "PYTHONPYCACHEPREFIX": str(self.bytecode_cache),
            "PYTHONDONTWRITEBYTECODE": "",
        }

    @property
    def _journal(self) -> Path:
        return self.folder / "journal.jsonl"

    def start(self, *arguments: str, app_dir: Path = SAMPLE_APP, settings: Mapping[str, str] = NOTHING) -> Child:
        log = self.folder / f"host-{uuid4().hex[:6]}.log"
        merged = {**self.settings, **settings}
        named = ["--app-dir", str(app_dir), "--host-id", self.host_id]
        return Child("local.functions_host", [*named, *arguments], log, merged)

    def journal(self, function: str, phase: str | None = None, name: str | None = None) -> list[dict[str, Any]]:
        """What the sample app wrote, in order; `name` is the one in a work order."""
        lines = self._journal.read_text(encoding="utf-8").splitlines() if self._journal.exists() else []
        entries = [json.loads(line) for line in lines]
        return [
            entry
            for entry in entries
            if entry["function"] == function
            and phase in (None, entry.get("phase"))
            and name in (None, entry.get("order", {}).get("name"))
        ]

    def blob(self, folder: str, name: str) -> BlobClient:
        """A lock or a status; the container is there from now on."""
        container = ContainerClient.from_connection_string(self.storage, "azure-webjobs-hosts")
        with suppress(ResourceExistsError):
            container.create_container()
        return container.get_blob_client(f"{folder}/{self.host_id}/Host.Functions.{name}")

    def queue(self, suffix: str) -> QueueClient:
        return QueueClient.from_connection_string(self.storage, f"{self.host_id}-{suffix}")


@dataclass(frozen=True)
class SampleHost:
    process: Child
    world: World


class StartHost(Protocol):
    def __call__(self, *arguments: str, app_dir: Path = SAMPLE_APP, settings: Mapping[str, str] = NOTHING) -> Child: ...


@pytest.fixture(scope="package")
def bytecode_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bytecode")


@pytest.fixture(scope="package")
def sample_host(storage: str, bytecode_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SampleHost]:
    """One host for every test that leaves it as it was."""
    world = World(tmp_path_factory.mktemp("sample"), storage, bytecode_cache)
    settings = {**KEYS, "AzureWebJobs.off.Disabled": "true"}
    with world.start("--instance", "sample", settings=settings) as process:
        yield SampleHost(process, world)


@pytest.fixture
def world(storage: str, bytecode_cache: Path, tmp_path: Path) -> World:
    return World(tmp_path, storage, bytecode_cache)


@pytest.fixture
def start_host(world: World) -> Iterator[StartHost]:
    """Starts hosts of one world; all of them have ended when the test has."""
    with ExitStack() as running:

        def start(*arguments: str, app_dir: Path = SAMPLE_APP, settings: Mapping[str, str] = NOTHING) -> Child:
            return running.enter_context(world.start(*arguments, app_dir=app_dir, settings=settings))

        yield start


def write_app(directory: Path, source: str) -> Path:
    """An app folder with this function_app.py."""
    directory.mkdir(exist_ok=True)
    (directory / "function_app.py").write_text(source, encoding="utf-8")
    (directory / "host.json").write_text('{"version": "2.0"}', encoding="utf-8")
    return directory


def contents(queue: QueueClient) -> list[str]:
    """What is visible in it; nothing when there is no such queue yet."""
    try:
        return sorted(message.content for message in queue.peek_messages(max_messages=32))
    except ResourceNotFoundError:
        return []


def count(queue: QueueClient) -> int:
    """Hidden messages included."""
    return queue.get_queue_properties().approximate_message_count or 0
