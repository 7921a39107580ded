"""What becomes of a command that comes by the queue: obeyed, refused, put back, or moved aside by the host.

What is taken is a row of the audit, as is a command that comes by HTTP.
"""

import json
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace

import azure.functions as func
import pytest

from shared.clock import utc_now
from shared.engine.audit import AUDIT, Audit
from shared.engine.change_steps import Outcome
from shared.errors import InvalidInput, NotFound, OutcomeUnknown, Refused, TransientError
from shared.functions import queues
from shared.model.audit import AuditRow
from shared.model.caller import Proof
from shared.model.command import Command
from shared.ports import Ledger
from tests.fakes.interrupted import BrokenFor
from tests.fakes.ledger import MemoryLedger
from tests.unit.functions.registered import functions

PAUSE = {"workload": "orders", "command": "pause", "id": "p1"}


@dataclass(slots=True)
class Ear:
    """Hears commands, and takes messages back."""

    fails: Exception | None = None
    ledger: Ledger = field(default_factory=MemoryLedger)
    heard: list[tuple[str, Command, str]] = field(default_factory=list)
    back: list[tuple[str, str, timedelta]] = field(default_factory=list)

    def obey(self, workload: str, command: Command, by: str) -> Outcome:
        self.heard.append((workload, command, by))
        if self.fails:
            raise self.fails
        return Outcome("the deployment of build b2 paused", None)  # type: ignore[arg-type]  # nobody looks at it

    def put_back(self, name: str, text: str, *, after: timedelta) -> None:
        self.back.append((name, text, after))

    @property
    def audit(self) -> Audit:
        return Audit(self.ledger, utc_now)

    @property
    def rows(self) -> tuple[AuditRow, ...]:
        """What the audit shows, newest first."""
        return self.audit.rows().rows

    def take(self, body: bytes) -> None:
        (obey,) = [one for one in functions() if one.get_function_name() == "obey"]
        obey.get_user_function()(func.QueueMessage(id="m1", body=body))


@pytest.fixture
def ear(monkeypatch: pytest.MonkeyPatch) -> Ear:
    made = Ear()
    monkeypatch.setattr(queues, "app", lambda: SimpleNamespace(control=made, returns=made, audit=made.audit))
    return made


def test_it_is_obeyed(ear: Ear) -> None:
    ear.take(json.dumps(PAUSE).encode())
    ((workload, command, by),) = ear.heard
    assert (workload, command.command, command.id, by) == ("orders", "pause", "p1", "a sender of the queue")
    assert ear.back == []


def test_who_and_what_is_in_the_audit(ear: Ear) -> None:
    ear.take(json.dumps({"workload": "orders", "command": "start", "build": "b2", "override": "b2"}).encode())
    (row,) = ear.rows
    assert (row.who_id, row.who, row.proof) == ("queue:commands", "a sender of the queue", Proof.QUEUE)
    assert (row.act, row.target, row.ok) == ("change.command", "orders", True)
    assert row.outcome == "the deployment of build b2 paused"
    assert row.detail == {"command": "start", "build": "b2", "kind": "deployment", "override": "b2"}


def test_one_that_is_obeyed_is_not_taken_again_because_the_audit_is_away(
    ear: Ear, caplog: pytest.LogCaptureFixture
) -> None:
    ear.ledger = BrokenFor(MemoryLedger(), AUDIT)
    ear.take(json.dumps(PAUSE).encode())
    assert (len(ear.heard), ear.back) == (1, [])
    assert "command pause to orders is not in the audit: writing: the connection ended" in caplog.text


def test_one_that_is_refused_is_logged_and_consumed(ear: Ear, caplog: pytest.LogCaptureFixture) -> None:
    ear.fails = Refused("there is no change in progress")
    ear.take(json.dumps(PAUSE).encode())
    assert "command pause to orders: there is no change in progress" in caplog.text
    assert ear.back == []
    (row,) = ear.rows
    assert (row.ok, row.outcome) == (False, "there is no change in progress")


@pytest.mark.parametrize("error", [TransientError("the storage is away"), OutcomeUnknown("nobody knows")])
def test_one_that_cannot_be_obeyed_now_is_put_back_as_it_came(ear: Ear, error: Exception) -> None:
    ear.fails = error
    text = json.dumps(PAUSE, indent=1)
    ear.take(text.encode())
    assert ear.back == [("commands", text, timedelta(minutes=1))]
    assert ear.rows == ()  # it was not taken yet


@pytest.mark.parametrize("body", [b"nonsense", b"{}", b"[]", b'{"workload": "orders", "command": "stop"}'])
def test_one_that_cannot_be_read_is_left_to_the_host(ear: Ear, body: bytes) -> None:
    with pytest.raises(InvalidInput):
        ear.take(body)
    assert (ear.heard, ear.back) == ([], [])


def test_one_for_nobody_is_left_to_the_host(ear: Ear) -> None:
    ear.fails = NotFound("there is no workload 'orders' here")
    with pytest.raises(NotFound):
        ear.take(json.dumps(PAUSE).encode())
