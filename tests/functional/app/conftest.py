"""One rig for all tests of the app: real storage, real host, real HTTP."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from azure.data.tables import TableClient

from local.azurite import Azurite
from local.processes import Child
from local.rig.rig import APP_FOLDER, Rig, RigOptions
from shared.adapters.tables import TableLedger
from tests.functional.app.guarded import (
    ONCE_A_YEAR,
    WATCH_EVERY_SECOND,
    simulated_azure,
    start_impatient_host,
    write_policies,
)
from tests.functional.app.http_client import Api
from tests.functional.app.lonely import Lonely
from tests.functional.app.tenant_app import TenantApp, tenant_app


@pytest.fixture(scope="package")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """The rig with one host; see `guarded.py` for its workloads."""
    folder = tmp_path_factory.mktemp("app")
    with Rig(RigOptions(config=simulated_azure(), hosts=0, logs=folder / "logs")) as running:
        policies = write_policies(folder / "policies", running)
        running.options.settings = {
            "POLICY_FOLDER": str(policies),
            "WATCH_SCHEDULE": WATCH_EVERY_SECOND,
            "READINESS_SCHEDULE": ONCE_A_YEAR,
            "ROLL_UP_SCHEDULE": ONCE_A_YEAR,
            "POISON_SCHEDULE": ONCE_A_YEAR,  # what ends in the poison queues is looked at first
        }
        start_impatient_host(folder / "app", running)
        yield running


@pytest.fixture(scope="package")
def host(rig: Rig) -> Child:
    """The process that runs the app; its log is in a file."""
    return rig.hosts[0]


@pytest.fixture(scope="package")
def api(rig: Rig) -> Api:
    """The app's API, with its function key."""
    return Api(rig.app_url, rig.function_key)


@pytest.fixture(scope="package")
def ledger(rig: Rig, api: Api) -> Iterator[TableLedger]:
    """What the app keeps, read past the app."""
    api.get("/api/workloads")  # the first use of the app creates its table
    with TableClient.from_connection_string(rig.storage, "workloads") as table:
        yield TableLedger(table)


@pytest.fixture
def lonely(rig: Rig, tmp_path: Path) -> Iterator[Lonely]:
    with ExitStack() as storage:
        connection = storage.enter_context(Azurite()).connection_string
        policies = write_policies(tmp_path / "policies", rig)
        settings = rig.app_settings() | {
            "AzureWebJobsStorage": connection,
            "POLICY_FOLDER": str(policies),
            "WATCH_SCHEDULE": ONCE_A_YEAR,
            "EVALUATE_SCHEDULE": ONCE_A_YEAR,
            "POISON_SCHEDULE": ONCE_A_YEAR,
            "READINESS_SCHEDULE": ONCE_A_YEAR,
            "ROLL_UP_SCHEDULE": ONCE_A_YEAR,
        }
        arguments = ["--app-dir", str(APP_FOLDER), "--host-id", "lonely", "--drain-seconds", "1"]
        with Child("local.functions_host", arguments, tmp_path / "lonely.log", settings) as host:
            api = Api(str(host.ready["url"]), str(host.ready["function_key"]))
            yield Lonely(api, storage, str(host.ready["master_key"]))


@pytest.fixture(scope="package")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TenantApp]:
    """An app that asks for tokens; it watches nothing."""
    with tenant_app(tmp_path_factory.mktemp("tenant")) as app:
        yield app
