"""The ledger and the doorbell twice each: the fakes of `tests/fakes`, and the product's own against a real Azurite."""

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
from azure.storage.queue import QueueServiceClient

from shared.ports import Doorbell, Ledger
from shared.settings import read_settings
from shared.wiring import App, build
from tests.contract.proxy import LossyProxy
from tests.fakes.ledger import MemoryLedger
from tests.fakes.policies import TEXT

_numbers = count(1)


@pytest.fixture(scope="session")
def policies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("policies")
    (folder / "orders.yaml").write_text(TEXT, encoding="utf-8")
    return folder


def app_on(storage: str, policies: Path, table: str = "contract") -> App:
    """The app as it is wired in Azure, on a storage account."""
    environment = {"AzureWebJobsStorage": storage, "POLICY_FOLDER": str(policies), "WORKLOADS_TABLE": table}
    return build(read_settings(environment), environment)


@pytest.fixture(scope="session")
def app(storage: str, policies: Path) -> App:
    return app_on(storage, policies)


@pytest.fixture(params=["memory", pytest.param("table", marks=pytest.mark.storage)])
def ledger(request: pytest.FixtureRequest) -> Ledger:
    if request.param == "memory":
        return MemoryLedger()
    wired: App = request.getfixturevalue("app")
    return wired.views.ledger


@pytest.fixture
def workload() -> str:
    """A partition that nothing was written to yet."""
    return f"orders-{next(_numbers)}"


@dataclass(frozen=True, slots=True)
class FarStorage:
    """The app with a network between it and one service of its storage."""

    app: App
    proxy: LossyProxy

    @property
    def ledger(self) -> Ledger:
        return self.app.views.ledger

    @property
    def doorbell(self) -> Doorbell:
        return self.app.rollbacks.doorbell


def far(storage: str, policies: Path, service: str) -> Iterator[FarStorage]:
    """Yield an app that reaches a service of a storage account (`Table` or `Queue`) through a proxy."""
    found = re.search(rf"{service}Endpoint=(http://[^/;]+)", storage)
    assert found is not None
    proxy: AbstractContextManager[LossyProxy] = LossyProxy(found[1])
    with proxy as running:
        through = storage.replace(found[1], f"http://127.0.0.1:{running.port}")
        yield FarStorage(app_on(through, policies), running)


@pytest.fixture
def far_tables(storage: str, policies: Path) -> Iterator[FarStorage]:
    yield from far(storage, policies, "Table")


@pytest.fixture
def far_queues(storage: str, policies: Path) -> Iterator[FarStorage]:
    yield from far(storage, policies, "Queue")


@pytest.fixture(scope="session")
def queues(storage: str) -> Iterator[QueueServiceClient]:
    """Azurite's queues, asked past the product."""
    with QueueServiceClient.from_connection_string(storage) as service:
        yield service
