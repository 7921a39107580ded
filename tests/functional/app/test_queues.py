"""Queue messages that cannot be used end in `<queue>-poison` with their reason in the log; good ones among them count.

A queue trigger copies a message to the poison queue after `maxDequeueCount` failed runs:
https://learn.microsoft.com/azure/azure-functions/functions-bindings-storage-queue-trigger
"""

import base64
import json
from dataclasses import dataclass
from typing import Any

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue import QueueClient

from local.processes import Child
from local.rig.rig import Rig
from shared.adapters.tables import TableLedger
from shared.engine.records import snapshot
from tests.functional.app.bodies import NO_SUCH_THING, UNREADABLE, sample
from tests.functional.app.http_client import Api
from tests.functional.app.waiting import wait_until

pytestmark = pytest.mark.rig

_LARGEST_MESSAGE_BYTES = 48 * 1024  # 64 KiB once it is base64
_AT_ONCE = 32
NO_BASE64 = ("{}", '{"workload": "demo"}', "bm90IGJhc2U2NA", "***", "====", "bm9 0IGJhc2U2NA==", "ü")
NO_ROLLBACK: tuple[str, ...] = (
    *("nobody.20240501T120000000000", "demo.20240501T120000000000", "demo", "demo.", ".", "../..", "a/b?c#d\\e"),
    *("demo.\u0000", "demo.'", "ü.😀", "x" * 2_000),
)
NO_ID: tuple[Any, ...] = (None, 5, [], {}, "")
# What is sent, and the reason that the log must give.
BAD: dict[str, tuple[tuple[dict[str, Any], str], ...]] = {
    "samples": (
        ({"workload": "demo", "samples": []}, "expected at least one of `samples` or `events`"),
        ({"workload": "demo", "samples": [sample(value=11)]}, "off its scale; expected 0 to 10"),
        ({"workload": "demo", "samples": [sample(value=None)]}, "samples.0.value: "),
        ({"workload": "demo", "samples": [sample(at="2024-05-01T12:00:00")]}, "samples.0.at: "),
        ({"workload": "demo", "samples": [sample(signal="nothing")]}, "no pushed signal 'nothing'"),
        ({"workload": "nobody", "samples": [sample()]}, "there is no workload 'nobody' here"),
        ({"workload": "x" * 501, "samples": [sample()]}, "workload: "),
        ({"samples": [sample()]}, "workload: "),
    ),
    "rollback-level-1": (
        *(({"rollback": found}, "there is no rollback") for found in NO_ROLLBACK),
        *(({"rollback": found}, "expected a JSON object with rollback") for found in NO_ID),
    ),
    "notifications": (
        ({"workload": "demo"}, "expected a JSON object with workload, delivery"),
        ({"delivery": "x"}, "expected a JSON object with workload, delivery"),
        ({"workload": 5, "delivery": "x"}, "expected a JSON object with workload, delivery"),
        ({"workload": "demo", "delivery": ["x"]}, "expected a JSON object with workload, delivery"),
        ({"workload": "a/b?c", "delivery": "x"}, "there is no workload"),
    ),
    "commands": (
        ({"workload": "demo"}, "command: Field required"),
        ({"workload": "demo", "command": "stop"}, "command: expected one of 'start'"),
        ({"workload": "demo", "command": "start"}, "start.build: "),
        ({"command": "pause"}, "workload: "),
        ({"workload": "nobody", "command": "pause"}, "there is no workload 'nobody' here"),
    ),
    "promotions": (({"rollback": "demo.20240501T120000000000"}, "there is no rollback"),),
    "watch": (
        ({}, "expected a JSON object with workload"),
        ({"workload": None}, "expected a JSON object with workload"),
        ({"workload": ""}, "expected a JSON object with workload"),
        ({"workloads": "demo"}, "expected a JSON object with workload"),
    ),
    "checkpoints": (
        ({}, "expected a JSON object with workload"),
        ({"workload": ["demo"]}, "expected a JSON object with workload"),
        ({"workload": "nobody"}, "there is no workload 'nobody' here"),
    ),
}


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A queue of the app and where its bad messages end; messages are what the queue holds, not what they stand for."""

    queue: QueueClient
    poison: QueueClient

    @classmethod
    def of(cls, rig: Rig, name: str) -> "Mailbox":
        return cls(*(QueueClient.from_connection_string(rig.storage, found) for found in (name, f"{name}-poison")))

    def poisoned(self) -> list[str]:
        """Take what is in the poison queue."""
        try:
            found = list(self.poison.receive_messages(max_messages=_AT_ONCE))
        except ResourceNotFoundError:
            return []
        for message in found:
            self.poison.delete_message(message)
        return [message.content for message in found]

    def is_empty(self) -> bool:
        """Nothing is left, hidden messages included."""
        return self.queue.get_queue_properties().approximate_message_count == 0


def written(body: bytes) -> str:
    """A body as the trigger expects it."""
    return base64.b64encode(body).decode()


def as_json(document: object) -> bytes:
    return json.dumps(document).encode()


UNREADABLE_EVERYWHERE = [
    *(body for body in UNREADABLE.values() if body and len(body) < _LARGEST_MESSAGE_BYTES),
    *(body for body in NO_SUCH_THING.values() if len(body) < _LARGEST_MESSAGE_BYTES),
    b"[" * 40_000,
    b'{"rollback":' * 3_000,
]


@pytest.mark.parametrize("name", BAD)
def test_bad_messages_end_as_poison_with_a_reason(rig: Rig, host: Child, name: str) -> None:
    mailbox = Mailbox.of(rig, name)
    logged = host.log.stat().st_size
    bad = [*NO_BASE64, *map(written, UNREADABLE_EVERYWHERE), *(written(as_json(document)) for document, _ in BAD[name])]
    for content in bad:
        mailbox.queue.send_message(content)
    poisoned: list[str] = []

    def all_poisoned() -> bool:
        poisoned.extend(mailbox.poisoned())
        return len(poisoned) >= len(bad)

    wait_until(all_poisoned)
    assert sorted(poisoned) == sorted(bad)
    wait_until(mailbox.is_empty)
    log = host.log.read_bytes()[logged:].decode()
    assert log.count("is not base64") == len(NO_BASE64)
    assert log.count("goes to") == len(bad)
    for reason in ("not valid JSON in UTF-8", *(reason for _, reason in BAD[name])):
        assert reason in log


def test_good_samples_among_bad_messages_all_arrive(rig: Rig, ledger: TableLedger) -> None:
    mailbox = Mailbox.of(rig, "samples")
    sent = set()
    for number, bad in enumerate([*NO_BASE64, *(written(as_json(document)) for document, _ in BAD["samples"])]):
        mailbox.queue.send_message(bad)
        good = sample(id=f"queued {number}")
        mailbox.queue.send_message(written(as_json({"workload": "demo", "samples": [good]})))
        sent.add(good["id"])

    def arrived() -> bool:
        series = snapshot(ledger, "demo").watch.series.get("confidence", ())
        return {one.id for one in series} >= sent

    wait_until(arrived)


def test_a_command_is_obeyed_once_and_one_that_is_refused_is_consumed(rig: Rig, host: Child, api: Api) -> None:
    mailbox, logged = Mailbox.of(rig, "commands"), host.log.stat().st_size
    start = written(as_json({"workload": "orders", "command": "start", "build": "q2", "id": "queued"}))
    mailbox.queue.send_message(start)
    wait_until(lambda: (api.get("/api/workloads/orders").json["change"] or {}).get("build") == "q2")
    mailbox.queue.send_message(start)
    wait_until(lambda: b"command queued was obeyed before" in host.log.read_bytes()[logged:])
    for_another = {"workload": "orders", "command": "pause", "change": "orders.change.of.yesterday"}
    mailbox.queue.send_message(written(as_json(for_another)))
    wait_until(lambda: b"command pause to orders: " in host.log.read_bytes()[logged:])
    wait_until(mailbox.is_empty)
    assert mailbox.poisoned() == []
    assert api.get("/api/workloads/orders").json["change"]["status"] == "active"


def test_a_ring_with_more_in_it_is_heard(rig: Rig) -> None:
    mailbox = Mailbox.of(rig, "watch")
    mailbox.queue.send_message(written(as_json({"workload": "demo", "more": 1})))
    wait_until(mailbox.is_empty)
    assert mailbox.poisoned() == []


def test_a_road_is_warmed(rig: Rig, host: Child) -> None:
    logged = host.log.stat().st_size
    Mailbox.of(rig, "rollback-level-1").queue.send_message(written(as_json({"warm_up": "demo"})))
    wait_until(lambda: b"level 1 of demo is warm" in host.log.read_bytes()[logged:])


@pytest.mark.parametrize("workload", ["nobody", "../demo", "a/b?c", "x" * 10_000])
def test_a_ring_for_nobody_goes_to_poison_with_a_reason(rig: Rig, host: Child, workload: str) -> None:
    mailbox, logged = Mailbox.of(rig, "watch"), host.log.stat().st_size
    mailbox.queue.send_message(written(as_json({"workload": workload})))
    wait_until(mailbox.poisoned)
    assert f"there is no workload '{workload[:80]}' here" in host.log.read_bytes()[logged:].decode()


def test_a_message_as_large_as_they_get_is_read(rig: Rig, ledger: TableLedger) -> None:
    mailbox = Mailbox.of(rig, "samples")
    samples = [sample(id=f"large {number:03d}".ljust(80, "x")) for number in range(260)]
    body = as_json({"workload": "demo", "samples": samples})
    assert _LARGEST_MESSAGE_BYTES * 0.9 < len(body) < _LARGEST_MESSAGE_BYTES
    mailbox.queue.send_message(written(body))

    def arrived() -> bool:
        series = snapshot(ledger, "demo").watch.series.get("confidence", ())
        return {one.id for one in series} >= {str(one["id"]) for one in samples}

    wait_until(arrived)
