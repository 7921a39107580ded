"""Health of the app: alive as long as it runs; fit only while it watches and its storage answers."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from local.azurite import Azurite
from local.processes import Child
from local.rig.rig import APP_FOLDER, Rig
from tests.functional.app.guarded import ONCE_A_YEAR, write_policies
from tests.functional.app.http_client import Answer, Api
from tests.functional.app.problems import told
from tests.functional.app.waiting import wait_until

pytestmark = pytest.mark.rig

_AT_ONCE_S = 1.0


@dataclass(frozen=True, slots=True)
class Lonely:
    """An app of its own that watches nothing until it is told to, and a storage that can be taken away."""

    api: Api
    storage: ExitStack
    master_key: str

    def watch_now(self) -> None:
        """Run the watch timer's function, as the portal's Test/Run does."""
        path = "/admin/functions/watch"
        assert self.api.send("POST", path, b"{}", {"x-functions-key": self.master_key}).status == HTTPStatus.ACCEPTED


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
        }
        arguments = ["--app-dir", str(APP_FOLDER), "--host-id", "lonely", "--drain-seconds", "1"]
        with Child("local.functions_host", arguments, tmp_path / "lonely.log", settings) as host:
            api = Api(str(host.ready["url"]), str(host.ready["function_key"]))
            yield Lonely(api, storage, str(host.ready["master_key"]))


def checks(answer: Answer) -> dict[str, dict[str, Any]]:
    """The checks of a health answer by name."""
    return {check["name"]: check for check in answer.json["checks"]}


def alive_at_once(api: Api) -> bool:
    """It answers 200, and quickly."""
    begun = time.monotonic()
    answer = api.get("/api/health/live")
    return answer.status == HTTPStatus.OK and time.monotonic() - begun < _AT_ONCE_S


def test_a_watching_app_is_fit(api: Api) -> None:
    wait_until(lambda: api.get("/api/health/ready").status == HTTPStatus.OK)
    fit = api.get("/api/health/ready")
    assert fit.json["status"] == "fit"
    assert all(check["ok"] for check in checks(fit).values())
    assert set(checks(fit)) == {"policies", "storage", "watch", "sources", "deliveries"}
    assert api.get("/api/health").status == HTTPStatus.OK


def test_not_fit_before_the_first_cycle_fit_after_it_not_fit_without_storage(lonely: Lonely) -> None:
    assert alive_at_once(lonely.api)
    before = lonely.api.get("/api/health/ready")
    assert before.status == HTTPStatus.SERVICE_UNAVAILABLE
    assert "demo: never watched yet" in checks(before)["watch"]["says"]

    lonely.watch_now()
    wait_until(lambda: lonely.api.get("/api/health/ready").status == HTTPStatus.OK)

    lonely.storage.close()
    gone = lonely.api.get("/api/health/ready")
    assert gone.status == HTTPStatus.SERVICE_UNAVAILABLE
    assert not checks(gone)["storage"]["ok"]
    refused = lonely.api.get("/api/workloads/demo")
    assert refused.status == HTTPStatus.SERVICE_UNAVAILABLE
    assert told(refused)
    assert int(refused.headers["Retry-After"]) >= 1


def test_alive_while_many_wait_for_a_storage_that_is_away(lonely: Lonely) -> None:
    """A host that seems dead is replaced; that helps nobody when it is the storage that is away."""
    lonely.api.get("/api/health/ready")  # from now on the app has its connections
    lonely.storage.close()
    with ThreadPoolExecutor(12) as askers:
        asked = [askers.submit(lonely.api.get, "/api/health/ready") for _ in range(12)]
        time.sleep(0.3)
        alive = [alive_at_once(lonely.api) for _ in range(3)]
        answers = {future.result().status for future in asked}
    assert answers == {HTTPStatus.SERVICE_UNAVAILABLE}
    assert all(alive)
