"""Telling people: a delivery is claimed before it is sent, tried again when that fails, and never lost."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from shared.engine.notifications import Notifications
from shared.engine.records import OUTBOX, UNDELIVERED, decode, encode
from shared.errors import PermanentError, TransientError
from shared.model.event import Delivery, Event, EventKind
from shared.ports import Insert, Put
from tests.fakes.clock import NOON, FakeClock
from tests.fakes.doorbell import MemoryDoorbell
from tests.fakes.interrupted import Interrupted
from tests.fakes.ledger import MemoryLedger

ID = "82:decided:webhook:ops"
KEY = f"{OUTBOX}{ID}"
_EVENT = Event(workload="orders", kind=EventKind.DECIDED, at=NOON, sentence="roll back to level 1")
_DELIVERY = Delivery(id=ID, channel="webhook:ops", event=_EVENT, due_at=NOON)


@dataclass(slots=True)
class PlayedChannel:
    """Fulfils `ports.Channel`: keeps what is sent, or does what `instead` says."""

    sent: list[Delivery] = field(default_factory=list)
    instead: Callable[[], None] | None = None

    def send(self, delivery: Delivery) -> None:
        if self.instead:
            self.instead()
        self.sent.append(delivery)


@dataclass(slots=True)
class Post:
    """Notifications on fakes, with one delivery that is due."""

    clock: FakeClock = field(default_factory=FakeClock)
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    doorbell: MemoryDoorbell = field(default_factory=MemoryDoorbell)
    channel: PlayedChannel = field(default_factory=PlayedChannel)

    def deliver(self) -> str:
        channels = {"webhook:ops": self.channel}
        return Notifications(self.ledger, self.doorbell, channels, self.clock).deliver("orders", ID)

    def stored(self, key: str = KEY) -> Delivery | None:
        row = self.ledger.read("orders", key)
        return decode(Delivery, row.body) if row else None

    def fails_with(self, error: Exception) -> None:
        def fail() -> None:
            raise error

        self.channel.instead = fail


@pytest.fixture
def post() -> Post:
    post = Post()
    post.ledger.commit("orders", [Insert(KEY, encode(_DELIVERY))])
    return post


def test_what_was_told_is_removed(post: Post) -> None:
    assert post.deliver() == "told webhook:ops: roll back to level 1"
    assert [sent.id for sent in post.channel.sent] == [ID]
    assert post.stored() is None


def test_a_second_ring_finds_it_done(post: Post) -> None:
    post.deliver()
    assert post.deliver() == f"delivery {ID} was made"
    assert len(post.channel.sent) == 1


def test_a_ring_before_its_time_does_nothing(post: Post) -> None:
    post.ledger.commit("orders", [Put(KEY, encode(replace(_DELIVERY, due_at=NOON + timedelta(seconds=30))))])
    assert post.deliver() == f"delivery {ID} is not due before 12:00:30"
    assert post.channel.sent == []


def test_while_one_worker_sends_another_leaves_it_alone(post: Post) -> None:
    said: list[str] = []

    def meanwhile() -> None:
        post.channel.instead = None
        said.append(post.deliver())

    post.channel.instead = meanwhile
    assert post.deliver() == "told webhook:ops: roll back to level 1"
    assert said == [f"delivery {ID} is not due before 12:00:30"]
    assert len(post.channel.sent) == 1


def test_a_sender_that_died_is_replaced_after_its_claim(post: Post) -> None:
    def die() -> None:
        raise SystemExit

    post.channel.instead = die
    with pytest.raises(SystemExit):
        post.deliver()
    post.channel.instead = None
    assert "is not due before" in post.deliver()
    post.clock.forward(30)
    assert post.deliver() == "told webhook:ops: roll back to level 1"
    assert post.channel.sent[0].attempts == 2


def test_the_slower_of_two_that_found_it_due_ends_quietly(post: Post) -> None:
    ledger = Interrupted(post.ledger, lambda: post.ledger.commit("orders", [Put(KEY, encode(_DELIVERY))]))
    slower = Notifications(ledger, post.doorbell, {"webhook:ops": post.channel}, post.clock)
    assert slower.deliver("orders", ID) == f"delivery {ID} was claimed by another worker"
    assert post.channel.sent == []


def test_pauses_double_from_two_seconds_to_ten_minutes(post: Post) -> None:
    post.fails_with(TransientError("webhook:ops answered 503"))
    pauses = []
    for _ in range(11):
        assert post.deliver() == "webhook:ops will be told later: webhook:ops answered 503"
        stored = post.stored()
        assert stored is not None
        pauses.append((stored.due_at - post.clock()).total_seconds())
        post.clock.now = stored.due_at
    assert pauses == [2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]
    assert [ring.after.total_seconds() for ring in post.doorbell.at("notifications")] == pauses


def test_the_pause_that_the_receiver_asks_for_is_kept(post: Post) -> None:
    post.fails_with(TransientError("webhook:ops answered 429", retry_after=timedelta(seconds=90)))
    post.deliver()
    stored = post.stored()
    assert stored is not None
    assert stored.due_at == NOON + timedelta(seconds=90)


def test_a_broken_doorbell_does_not_lose_the_next_attempt(post: Post) -> None:
    post.fails_with(TransientError("webhook:ops answered 503"))
    post.doorbell.broken = True
    assert "will be told later" in post.deliver()
    assert post.stored() is not None


def test_after_twelve_attempts_it_is_given_up_and_kept(post: Post) -> None:
    post.fails_with(TransientError("webhook:ops answered 503"))
    for _ in range(12):
        said = post.deliver()
        post.clock.forward(600)
    assert said == "webhook:ops could not be told after 12 attempts: webhook:ops answered 503"
    assert post.stored() is None
    kept = post.stored(f"{UNDELIVERED}{ID}")
    assert kept is not None
    assert (kept.attempts, kept.last_error, kept.event) == (12, "webhook:ops answered 503", _EVENT)


def test_what_the_receiver_refuses_is_given_up_at_once_and_kept(post: Post) -> None:
    post.fails_with(PermanentError("webhook:ops answered 404"))
    assert post.deliver() == "webhook:ops could not be told after 1 attempts: webhook:ops answered 404"
    assert post.stored(f"{UNDELIVERED}{ID}") is not None
    assert post.stored() is None


def test_a_channel_that_is_not_set_up_here_may_be_elsewhere(post: Post) -> None:
    said = Notifications(post.ledger, post.doorbell, {}, post.clock).deliver("orders", ID)
    assert said == "webhook:ops will be told later: no channel webhook:ops is set up here"
    assert post.stored(f"{UNDELIVERED}{ID}") is None
    assert post.stored(KEY) is not None


def test_a_sender_that_dies_every_time_does_not_send_for_ever(post: Post) -> None:
    post.ledger.commit("orders", [Put(KEY, encode(replace(_DELIVERY, attempts=12)))])
    said = Notifications(post.ledger, post.doorbell, {}, post.clock).deliver("orders", ID)
    assert said.startswith("webhook:ops could not be told after 12 attempts")
    assert post.stored(f"{UNDELIVERED}{ID}") is not None
