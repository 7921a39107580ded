"""`ControlChannel` over real HTTP: what a workload's own hook is told, signed, the newest always, and nowhere else."""

import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from local.loopback import Reply
from shared.adapters.channels.control import ControlChannel
from shared.adapters.outbound import Outbound
from shared.engine.change_control import ChangeControl
from shared.engine.notifications import Notifications
from shared.engine.records import OUTBOX, UNDELIVERED
from shared.errors import PermanentError
from shared.model.command import CommandBody
from shared.model.event import Delivery, Event, EventKind
from shared.model.policy import Policy
from tests.contract.outbound_world import Site
from tests.fakes.clock import NOON, FakeClock
from tests.fakes.doorbell import MemoryDoorbell
from tests.fakes.ledger import MemoryLedger
from tests.fakes.policies import policy

SECRET = "long enough to sign"


@dataclass(slots=True)
class World:
    """A workload with a hook, and whoever tells it."""

    site: Site
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    doorbell: MemoryDoorbell = field(default_factory=MemoryDoorbell)
    clock: FakeClock = field(default_factory=FakeClock)

    def policies(self) -> dict[str, Policy]:
        lines = f'reach: {{hosts: ["127.0.0.1"]}}\ncontrol: {{hook: "{self.site.url}/hook", secret: {SECRET}}}\nnotify:'
        return {"orders": policy(("notify:", lines))}

    @property
    def control(self) -> ChangeControl:
        return ChangeControl(self.ledger, self.doorbell, self.policies, self.clock)

    @property
    def channel(self) -> ControlChannel:
        return ControlChannel(Outbound(), self.policies, self.control.told, self.clock)

    def say(self, word: str, **parts: Any) -> None:
        self.clock.forward(1)
        self.control.obey("orders", CommandBody.model_validate({"command": word, **parts}).root, "ann")

    def deliver(self) -> list[str]:
        """Send what was rung for, oldest first."""
        sending = Notifications(self.ledger, self.doorbell, {"control": self.channel}, self.clock)
        rung = [ring.ids for ring in self.doorbell.at("notifications") if ring.ids[1].split(":")[1] == "control"]
        return [sending.deliver(*ids) for ids in rung]

    def told(self) -> list[dict[str, Any]]:
        return [json.loads(request.body) for request in self.site.asked]


@pytest.fixture
def world() -> Iterator[World]:
    with Site() as site:
        yield World(site)


def test_the_hook_is_told_the_document(world: World) -> None:
    world.say("start", build="b2", known_good="b1", kind="migration")
    world.say("pause", reason="backup first")
    assert world.deliver()[-1].startswith("told control: pause: the migration of build b2 paused by ann")
    assert world.told()[-1] == {
        "workload": "orders",
        "do": "pause",
        "sentence": "the migration of build b2 paused by ann: backup first; a person resumes it",
        "since": "2026-03-01T12:00:02+00:00",
        "change": "orders.change.20260301T120001000000",
        "sequence": 2,
    }
    assert world.ledger.scan("orders", OUTBOX, limit=10) == [
        row for row in world.ledger.scan("orders", OUTBOX) if "webhook" in row.key
    ]


def test_the_call_is_signed_and_names_what_it_says(world: World) -> None:
    world.say("start", build="b2")
    world.deliver()
    (request,) = world.site.asked
    headers = {name.lower(): value for name, value in request.headers.items()}
    assert (request.method, request.path) == ("POST", "/hook")
    assert headers["idempotency-key"] == "orders:control:1"
    parts = dict(part.split("=") for part in headers["x-signature"].split(","))
    assert parts["t"] == str(int(world.clock().timestamp()))
    signed = hmac.digest(SECRET.encode(), parts["t"].encode() + b"." + request.body, "sha256").hex()
    assert parts["v1"] == signed


def test_an_older_delivery_tells_the_newest(world: World) -> None:
    world.say("start", build="b2")
    world.say("pause")
    world.deliver()
    assert [(found["do"], found["sequence"]) for found in world.told()] == [("pause", 2)] * 2


def test_a_hook_that_is_away_is_told_later_and_then_the_newest(world: World) -> None:
    world.site.answers["/hook"] = Reply(status=503)
    world.say("start", build="b2")
    (said,) = world.deliver()
    assert said == "control will be told later: the control hook at 127.0.0.1 answered 503"
    del world.site.answers["/hook"]
    world.say("pause")
    world.clock.forward(3600)
    world.deliver()
    assert {(found["do"], found["sequence"]) for found in world.told()[1:]} == {("pause", 2)}


def test_a_hook_that_refuses_is_given_up_and_kept(world: World) -> None:
    world.site.answers["/hook"] = Reply(status=403)
    world.say("start", build="b2")
    world.deliver()
    assert len(world.ledger.scan("orders", UNDELIVERED)) == 1


def test_a_host_that_the_policy_no_longer_names_is_never_asked(world: World) -> None:
    world.say("start", build="b2")
    elsewhere = policy().model_copy(update={"control": world.policies()["orders"].control})
    channel = ControlChannel(Outbound(), lambda: {"orders": elsewhere}, world.control.told, world.clock)
    with pytest.raises(PermanentError, match=r"does not name the host 127\.0\.0\.1"):
        channel.send(a_delivery())
    assert world.site.asked == []


def test_without_a_hook_or_a_word_there_is_nothing_to_tell(world: World) -> None:
    channel = ControlChannel(Outbound(), lambda: {"orders": policy()}, world.control.told, world.clock)
    for sender in (channel, world.channel):
        with pytest.raises(PermanentError, match=r"^orders has no hook to be told any more$"):
            sender.send(a_delivery())


def a_delivery() -> Delivery:
    event = Event(workload="orders", kind=EventKind.CONTROL, at=NOON, sentence="run")
    return Delivery(id="1:control:1", channel="control", event=event, due_at=NOON + timedelta(0))
