"""What the host gave up on: a row, a word to people, and another ring for what the table says is still to be done."""

import json
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from shared.engine.poisoned import QUEUES, Poisoned
from shared.engine.records import INCIDENT, decode
from shared.errors import TransientError
from shared.model.incident import Incident
from shared.model.policy import UNCLAIMED
from shared.ports import SetAside
from tests.fakes.interrupted import BrokenFor
from tests.unit.engine.conftest import Engine


@dataclass(slots=True)
class Bins:
    """Fulfils `ports.PoisonQueues`: shows what is in it again until it is removed, one message at a time."""

    messages: dict[str, list[SetAside]] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)

    def set_aside(self, queue: str) -> list[SetAside]:
        return self.messages.get(queue, [])[:1]

    def remove(self, queue: str, message: SetAside) -> None:
        self.messages[queue].remove(message)
        self.removed.append(message.id)


def poisoned(engine: Engine, bins: Bins | None = None) -> Poisoned:
    return Poisoned(engine.ledger, engine.doorbell, bins or Bins(), lambda: engine.policies, engine.clock)


def incidents(engine: Engine, workload: str = "orders") -> list[Incident]:
    return [decode(Incident, row.body) for row in engine.ledger.scan(workload, INCIDENT)]


def test_a_rollback_that_runs_is_rung_again_from_the_table(guarded: Engine) -> None:
    run = guarded.by_hand.start("orders", 1, "customers complain", "ann")
    before = len(guarded.doorbell.at("rollback-level-1"))
    said = poisoned(guarded).take("rollback-level-1", "m1", json.dumps({"rollback": run.id}))
    assert said == f"a message of rollback-level-1 about '{run.id}' was poisoned, 1 times by now; it is rung for again"
    (ring,) = guarded.doorbell.at("rollback-level-1")[before:]
    assert (ring.queue, ring.ids, ring.after) == ("rollback-level-1", (run.id,), timedelta(minutes=1))
    assert guarded.kinds().count("incident") == 1
    assert [delivery.event.kind.value for delivery in guarded.deliveries()].count("incident") == 1


def test_a_rollback_that_has_ended_is_not_rung_for(guarded: Engine) -> None:
    run = guarded.by_hand.start("orders", 1, "customers complain", "ann")
    guarded.by_hand.cancel(run.id, "a false alarm", "bob")
    before = len(guarded.doorbell.at("rollback-level-1"))
    said = poisoned(guarded).take("rollback-level-1", "m1", json.dumps({"rollback": run.id}))
    assert said.endswith("the rollback has ended")
    assert len(guarded.doorbell.at("rollback-level-1")) == before


def test_again_and_again_is_rung_for_more_slowly_and_told_of_once_an_hour(guarded: Engine) -> None:
    run = guarded.by_hand.start("orders", 1, "customers complain", "ann")
    waits = []
    for number in range(14):
        poisoned(guarded).take("rollback-level-1", f"m{number}", json.dumps({"rollback": run.id}))
        waits.append(guarded.doorbell.rings[-1].after / timedelta(minutes=1))
        guarded.clock.forward(60)
    assert waits == [*range(1, 11), 10, 10, 10, 10]
    assert guarded.kinds().count("incident") == 1
    for number in range(30):  # every ten minutes for five hours
        guarded.clock.forward(600)
        poisoned(guarded).take("rollback-level-1", f"again {number}", json.dumps({"rollback": run.id}))
    assert guarded.kinds().count("incident") == 1 + 5
    (incident,) = incidents(guarded)
    assert incident.times == 44


@pytest.mark.parametrize("queue", ["samples", "commands"])
def test_what_a_message_carries_is_kept_as_it_came_each_by_itself(guarded: Engine, queue: str) -> None:
    texts = [json.dumps({"workload": "orders", queue: [{"value": value}]}) for value in (1, 2)]
    for number, text in enumerate(texts):
        assert poisoned(guarded).take(queue, f"m{number}", text).endswith("it is kept as it was")
    assert sorted(incident.text for incident in incidents(guarded)) == texts


def test_a_delivery_that_is_due_is_rung_for(guarded: Engine) -> None:
    guarded.fleet_switch.pause("ann", "x")
    guarded.cycles(0.31, 4)
    delivery = guarded.deliveries()[0]
    text = json.dumps({"workload": "orders", "delivery": delivery.id})
    assert poisoned(guarded).take("notifications", "m1", text).endswith("the delivery is rung for again")
    assert guarded.doorbell.at("notifications")[-1].ids == ("orders", delivery.id)
    gone = json.dumps({"workload": "orders", "delivery": "gone"})
    assert poisoned(guarded).take("notifications", "m2", gone).endswith("the delivery is not due any more")


@pytest.mark.parametrize("queue", ["watch", "checkpoints"])
def test_a_workload_is_rung_for(guarded: Engine, queue: str) -> None:
    said = poisoned(guarded).take(queue, "m1", json.dumps({"workload": "orders"}))
    assert said.endswith("it is rung for again")
    ring = guarded.doorbell.rings[-1]
    assert (ring.queue, ring.ids) == (queue, ("orders",))


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "5", "null", '{"rollback": 5}', '{"workload": "nobody"}', "[" * 100_000, "\x00", "x" * 70_000],
)
@pytest.mark.parametrize("queue", ["rollback-level-1", "watch", "checkpoints", "samples", "notifications"])
def test_what_nobody_can_read_is_kept_where_nobody_claims_it(engine: Engine, queue: str, text: str) -> None:
    said = poisoned(engine).take(queue, "m1", text)
    assert "was poisoned, 1 times by now" in said
    (incident,) = incidents(engine, UNCLAIMED)
    assert (incident.queue, incident.text) == (queue, text)
    assert engine.doorbell.rings == []


def test_a_queue_that_does_not_answer_leaves_the_ring_to_the_watch(guarded: Engine) -> None:
    run = guarded.by_hand.start("orders", 1, "customers complain", "ann")
    guarded.doorbell.broken = True
    said = poisoned(guarded).take("rollback-level-1", "m1", json.dumps({"rollback": run.id}))
    assert said.endswith("the watch rings for it")
    assert len(incidents(guarded)) == 1


def set_aside(number: int) -> SetAside:
    return SetAside(f"m{number}", json.dumps({"workload": "orders"}), "receipt")


def test_a_sweep_empties_every_queue(guarded: Engine) -> None:
    bins = Bins({queue: [set_aside(number) for number in range(3)] for queue in QUEUES})
    assert poisoned(guarded, bins).sweep() == 3 * len(QUEUES)
    assert all(not left for left in bins.messages.values())


def test_what_could_not_be_recorded_stays_where_it_is(guarded: Engine) -> None:
    bins = Bins({"watch": [set_aside(1)]})
    broken = Poisoned(
        BrokenFor(guarded.ledger, "orders"), guarded.doorbell, bins, lambda: guarded.policies, guarded.clock
    )
    with pytest.raises(TransientError):
        broken.sweep()
    assert len(bins.messages["watch"]) == 1
