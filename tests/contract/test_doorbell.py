"""The doorbell in Queue Storage, as the queue trigger will hear it; and that the fake one is rung the same way."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import monotonic, sleep

import pytest
from azure.storage.queue import QueueMessage, QueueServiceClient

from shared.adapters.queues import QueueDoorbell
from shared.engine.poisoned import QUEUES
from shared.errors import TransientError
from shared.ports import Doorbell
from shared.wiring import App
from tests.contract.conftest import FarStorage
from tests.fakes.doorbell import MemoryDoorbell

pytestmark = pytest.mark.storage

_QUICK_S = 12.0  # a ring that fails delays whoever rings; the watch rings again anyway
_RINGS: dict[str, tuple[Callable[[Doorbell], None], dict[str, str]]] = {
    "rollback-level-1": (lambda bell: bell.rollback("orders.1", 1), {"rollback": "orders.1"}),
    "rollback-level-3": (lambda bell: bell.rollback("orders.3", 3), {"rollback": "orders.3"}),
    "watch": (lambda bell: bell.watch("orders"), {"workload": "orders"}),
    "checkpoints": (lambda bell: bell.checkpoints("orders"), {"workload": "orders"}),
    "notifications": (
        lambda bell: bell.delivery("orders", "82:decided:webhook:ops"),
        {"workload": "orders", "delivery": "82:decided:webhook:ops"},
    ),
}


@pytest.fixture
def doorbell(app: App) -> Doorbell:
    return app.rollbacks.doorbell


@pytest.fixture(autouse=True)
def _no_queues(queues: QueueServiceClient) -> None:
    for queue in queues.list_queues():
        queues.delete_queue(queue)


@pytest.mark.parametrize("queue", _RINGS)
def test_a_ring_makes_its_queue_and_carries_ids_only(
    doorbell: Doorbell, queues: QueueServiceClient, queue: str
) -> None:
    ring, ids = _RINGS[queue]
    ring(doorbell)
    # A host of another module that shares the storage makes queues under names of its own.
    assert {found.name for found in queues.list_queues()} & set(QUEUES) == {queue}
    (message,) = queues.get_queue_client(queue).receive_messages()
    assert json.loads(base64.b64decode(message.content, validate=True)) == ids


def test_a_road_is_warmed_where_its_level_is_rung_for(app: App, queues: QueueServiceClient) -> None:
    assert isinstance(app.rollbacks.doorbell, QueueDoorbell)
    app.rollbacks.doorbell.warm_up("orders", 1)
    (message,) = queues.get_queue_client("rollback-level-1").receive_messages()
    assert json.loads(base64.b64decode(message.content, validate=True)) == {"warm_up": "orders"}


@pytest.mark.parametrize("queue", _RINGS)
def test_the_fake_is_rung_at_the_same_queue_with_the_same_ids(queue: str) -> None:
    ring, ids = _RINGS[queue]
    fake = MemoryDoorbell()
    ring(fake)
    assert [found.ids for found in fake.at(queue)] == [tuple(ids.values())]


def test_a_delay_hides_the_message_for_as_long(doorbell: Doorbell, queues: QueueServiceClient) -> None:
    queue = queues.get_queue_client("rollback-level-1")
    doorbell.rollback("orders.1", 1, after=timedelta(seconds=1.2))
    assert list(queue.receive_messages()) == []
    before = datetime.now(UTC)
    (message,) = _until_visible(queues, "rollback-level-1")
    assert json.loads(base64.b64decode(message.content)) == {"rollback": "orders.1"}
    assert datetime.now(UTC) - before > timedelta(seconds=0.7)


def test_a_message_that_is_put_back_makes_its_queue_and_lives_for_a_week_from_when_it_is_seen(
    app: App, queues: QueueServiceClient
) -> None:
    app.returns.put_back("samples", "{}", after=timedelta(seconds=1))
    (message,) = _until_visible(queues, "samples")
    assert base64.b64decode(message.content, validate=True) == b"{}"
    assert message.expires_on is not None
    assert message.inserted_on is not None
    assert message.expires_on - message.inserted_on == timedelta(days=7, seconds=1)


def test_a_ring_that_nobody_hears_goes_away(doorbell: Doorbell, queues: QueueServiceClient) -> None:
    doorbell.delivery("orders", "d1", after=timedelta(minutes=90))
    doorbell.watch("orders")
    (message,) = queues.get_queue_client("watch").receive_messages()
    assert message.expires_on is not None
    assert message.inserted_on is not None
    assert message.expires_on - message.inserted_on <= timedelta(hours=1)


def test_many_rings_at_once_find_one_queue(doorbell: Doorbell, queues: QueueServiceClient) -> None:
    for number in range(3):
        doorbell.rollback(f"orders.{number}", 1)
    assert queues.get_queue_client("rollback-level-1").get_queue_properties().approximate_message_count == 3


@pytest.mark.timeout(2 * _QUICK_S)
def test_storage_that_is_not_there_is_a_transient_error_soon(far_queues: FarStorage) -> None:
    """Whoever rings has committed already and is still holding a worker."""
    far_queues.proxy.stop()
    begun = monotonic()
    with pytest.raises(TransientError):
        far_queues.doorbell.watch("orders")
    assert monotonic() - begun < _QUICK_S


def _until_visible(queues: QueueServiceClient, name: str) -> list[QueueMessage]:
    queue, until = queues.get_queue_client(name), monotonic() + 5
    while monotonic() < until:
        if found := list(queue.receive_messages()):
            return found
    return []


def test_what_the_host_set_aside_is_taken_once_it_is_removed(doorbell: Doorbell, queues: QueueServiceClient) -> None:
    assert isinstance(doorbell, QueueDoorbell)
    assert doorbell.set_aside("watch") == []
    queue = queues.create_queue("watch-poison")
    for text in ("{}", "ü", "x" * 40_000):
        queue.send_message(base64.b64encode(text.encode()).decode())
    queue.send_message("*** no base64 ***")
    found = doorbell.set_aside("watch")
    assert sorted(message.text for message in found) == sorted(["{}", "ü", "x" * 40_000, "*** no base64 ***"])
    assert doorbell.set_aside("watch") == []  # hidden, and not gone
    for message in found:
        doorbell.remove("watch", message)
        doorbell.remove("watch", message)
    assert queue.get_queue_properties().approximate_message_count == 0


def test_since_when_something_waits_is_known_until_it_is_taken(doorbell: Doorbell, queues: QueueServiceClient) -> None:
    assert isinstance(doorbell, QueueDoorbell)
    assert doorbell.waiting_since("samples") is None  # there is no such queue
    queue, before = queues.create_queue("samples"), datetime.now(UTC)
    assert doorbell.waiting_since("samples") is None
    queue.send_message("first")
    (first,) = queue.peek_messages()
    sleep(1.1)
    queue.send_message("second")
    since = doorbell.waiting_since("samples")
    assert since is not None
    assert since == first.inserted_on
    assert before - timedelta(seconds=1) <= since <= datetime.now(UTC)
    queue.receive_message()
    (second,) = queue.peek_messages()
    assert doorbell.waiting_since("samples") == second.inserted_on != since
