"""The API does what its OpenAPI document says: schemathesis reads it from the app and tries what it can think of."""

import os
import subprocess
import sys
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest

from local.rig.rig import APP_FOLDER
from tests.functional.app.access import ROWS
from tests.functional.app.http_client import Api
from tests.functional.app.schemathesis_hooks import ROLLBACK
from tests.functional.app.tenant_app import WORKLOAD, TenantApp, tenant_app

pytestmark = pytest.mark.rig

# A route that answers 503 of health or readiness does its work.
_CONFIG = """
[checks]
enabled = false
not_a_server_error.enabled = true
status_code_conformance.enabled = true
content_type_conformance.enabled = true
response_schema_conformance.enabled = true

[[operations]]
include-path-regex = "^/health|/readiness$"
checks.not_a_server_error.enabled = false
"""
_SEED = 20261121
_EXAMPLES = 8
# It ends what hangs; a machine that does other things as well takes two minutes.
_WITHIN_S = 240


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TenantApp]:
    """An app that nobody else needs: afterwards it is paused, and full of what was sent."""
    with tenant_app(tmp_path_factory.mktemp("fuzzed")) as app:
        yield app


def test_the_document_describes_every_route(fuzzed: TenantApp) -> None:
    described = fuzzed.of("vera").get("/api/openapi.json").json
    found = {(method.upper(), path[1:]) for path, methods in described["paths"].items() for method in methods}
    assert found == {(row.method, row.route) for row in ROWS}


def _ended_rollback(api: Api) -> str:
    """Leave a rollback that was started and cancelled, so that there is one to look at."""
    workload = f"/api/workloads/{WORKLOAD}"
    assert api.send_json("PUT", f"{workload}/known-good", {"build": "b0"}).status == HTTPStatus.OK
    started = api.send_json("POST", f"{workload}/rollbacks", {"reason": "to look at", "confirm": WORKLOAD})
    assert started.status == HTTPStatus.ACCEPTED, started.body
    cancelled = api.send_json("POST", f"{started.json['url']}/cancel", {"reason": "it was to be looked at"})
    assert cancelled.status == HTTPStatus.OK, cancelled.body
    return str(started.json["id"])


@pytest.mark.timeout(_WITHIN_S + 30)
def test_nothing_is_answered_that_the_document_does_not_say(fuzzed: TenantApp, tmp_path: Path) -> None:
    config = tmp_path / "schemathesis.toml"
    config.write_text(_CONFIG)
    otto = fuzzed.of("otto")
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(config)),
        *("run", f"{otto.url}/api/openapi.json"),
        *("--phases", "examples,coverage,fuzzing", "--max-examples", str(_EXAMPLES), "--seed", str(_SEED)),
        *("--generation-database", "none", "--no-color", "--continue-on-failure"),
        *("--header", f"x-functions-key: {otto.key}", "--header", f"Authorization: Bearer {otto.token}"),
    ]
    aimed = {"SCHEMATHESIS_HOOKS": "tests.functional.app.schemathesis_hooks", ROLLBACK: _ended_rollback(otto)}
    environment = os.environ | aimed | {"PYTHONPATH": str(APP_FOLDER)}
    done = subprocess.run(  # noqa: S603  # our own interpreter and modules; it leaves files where it runs
        command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=_WITHIN_S, check=False
    )
    assert done.returncode == 0, done.stdout[-8_000:] + done.stderr[-2_000:]
