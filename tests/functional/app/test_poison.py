"""The poison queues are swept: every message becomes a row, and the queues are empty afterwards."""

import base64
import json
from contextlib import suppress
from http import HTTPStatus

import pytest
from azure.core.exceptions import ResourceExistsError
from azure.storage.queue import QueueClient

from local.processes import Child
from local.rig.rig import Rig
from shared.adapters.tables import TableLedger
from shared.engine.records import INCIDENT, decode
from shared.model.incident import Incident
from shared.model.policy import UNCLAIMED
from tests.functional.app.http_client import Api
from tests.functional.app.waiting import wait_until

pytestmark = pytest.mark.rig

_TEXTS = ("nonsense", json.dumps({"workload": "demo", "samples": []}), "ü", "*** no base64 ***")


def test_a_sweep_makes_rows_of_what_was_set_aside(rig: Rig, host: Child, api: Api, ledger: TableLedger) -> None:
    queue = QueueClient.from_connection_string(rig.storage, "samples-poison")
    with suppress(ResourceExistsError):  # the host makes it when it first sets something aside
        queue.create_queue()
    for text in _TEXTS[:3]:
        queue.send_message(base64.b64encode(text.encode()).decode())
    queue.send_message(_TEXTS[3])
    key = {"x-functions-key": str(host.ready["master_key"])}
    assert api.send("POST", "/admin/functions/sweep_poison", b"{}", key).status == HTTPStatus.ACCEPTED

    def kept() -> bool:
        found = [decode(Incident, row.body) for name in ("demo", UNCLAIMED) for row in ledger.scan(name, INCIDENT)]
        return {one.text for one in found if one.queue == "samples"} >= set(_TEXTS)

    wait_until(kept)
    wait_until(lambda: queue.get_queue_properties().approximate_message_count == 0)
    told = api.get("/api/workloads/demo").json["events"]
    assert any(event["kind"] == "incident" for event in told)
