"""The order in which a call is served, and what of it is written down, whoever fails where."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any

import azure.functions as func
import pytest

from shared.adapters.entra import KeyIdentities
from shared.clock import utc_now
from shared.engine.audit import AUDIT, Audit
from shared.errors import NotAuthenticated, PermanentError, TransientError
from shared.functions import serving
from shared.functions.bodies import PauseBody
from shared.functions.call import Call
from shared.functions.operations import Act, Operation
from shared.model.audit import AuditRow
from shared.model.caller import Caller, Proof, Role
from shared.ports import Ledger
from shared.ports.people import Identities, Presented
from tests.fakes.interrupted import BrokenFor
from tests.fakes.ledger import MemoryLedger


@dataclass(frozen=True, slots=True)
class Is:
    """Recognises everybody as one caller, or fails."""

    roles: frozenset[Role] = frozenset({Role.OPERATOR})
    fails: Exception | None = None

    def of(self, presented: Presented, now: datetime) -> Caller:
        if self.fails:
            raise self.fails
        return Caller(id="entra:t:o", name="Otto", roles=self.roles, proof=Proof.TOKEN, origin=presented.origin)


@dataclass(slots=True)
class Desk:
    """An operation, and an app that serves it."""

    identities: Identities = field(default_factory=Is)
    ledger: Ledger = field(default_factory=MemoryLedger)
    fails: Exception | None = None
    calls: list[Call[Any, Any]] = field(default_factory=list)

    def post(self, body: bytes = b'{"reason": "x"}', headers: Mapping[str, str] | None = None) -> func.HttpResponse:
        request = func.HttpRequest(
            "PUT", "http://app/api/things/t1", headers=headers or {}, route_params={"name": "t1"}, body=body
        )
        return serving.serve(self.operation, request)

    @property
    def operation(self) -> Operation:
        return Operation(
            method="PUT",
            route="things/{name}",
            roles=frozenset({Role.OPERATOR}),
            use=self._use,
            body=PauseBody,
            query=None,
            status=HTTPStatus.ACCEPTED,
            answer=dict[str, str],
            act=Act("thing.do", "{done} is done", "{name}", ("reason",)),
        )

    def _use(self, call: Call[Any, Any]) -> object:
        self.calls.append(call)
        if self.fails:
            raise self.fails
        return {"done": "it"}

    @property
    def audit(self) -> Audit:
        return Audit(self.ledger, utc_now)

    @property
    def rows(self) -> Sequence[AuditRow]:
        return self.audit.rows().rows


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    made = Desk()
    monkeypatch.setattr(
        serving, "app", lambda: SimpleNamespace(identities=made.identities, audit=Audit(made.ledger, utc_now))
    )
    return made


def document(answer: func.HttpResponse) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(answer.get_body())
    return found


def test_an_act_is_done_answered_and_written_down(desk: Desk) -> None:
    answer = desk.post(headers={"X-Forwarded-For": "6.6.6.6, 203.0.113.7:50123"})
    assert (answer.status_code, document(answer)) == (HTTPStatus.ACCEPTED, {"done": "it"})
    (row,) = desk.rows
    assert (row.who_id, row.who, row.origin) == ("entra:t:o", "Otto", "203.0.113.7:50123")
    assert (row.act, row.target, row.detail) == ("thing.do", "t1", {"reason": "x"})
    assert (row.ok, row.outcome) == (True, "it is done")


def test_of_nobody_nothing_is_written_down(desk: Desk) -> None:
    desk.identities = Is(fails=NotAuthenticated("expected a bearer token"))
    answer = desk.post()
    assert answer.status_code == HTTPStatus.UNAUTHORIZED
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert (desk.rows, desk.calls) == ((), [])


def test_when_nobody_can_be_recognised_it_is_trouble_of_our_own(desk: Desk) -> None:
    desk.identities = Is(fails=TransientError("the keys cannot be had"))
    answer = desk.post()
    assert (answer.status_code, answer.headers["Retry-After"]) == (HTTPStatus.SERVICE_UNAVAILABLE, "2")
    assert desk.rows == ()


def test_without_the_role_the_body_is_not_looked_at(desk: Desk) -> None:
    desk.identities = Is(roles=frozenset({Role.VIEWER, Role.APPROVER}))
    answer = desk.post(b"no JSON at all")
    assert answer.status_code == HTTPStatus.FORBIDDEN
    assert document(answer)["detail"] == "you may not do this; expected the role operator"
    (row,) = desk.rows
    assert (row.ok, row.outcome, row.detail) == (False, document(answer)["detail"], {})
    assert desk.calls == []


@pytest.mark.parametrize("body", [b"no JSON at all", b"{}", b'{"reason": 5}', b"x" * 1_000_001])
def test_a_body_that_cannot_be_used_is_a_refusal_that_is_written_down(desk: Desk, body: bytes) -> None:
    answer = desk.post(body)
    assert answer.status_code in (HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    (row,) = desk.rows
    assert (row.ok, row.outcome) == (False, document(answer)["detail"])
    assert desk.calls == []


def test_what_nobody_foresaw_is_written_down_with_its_number_alone(desk: Desk) -> None:
    desk.fails = ValueError("a secret")
    answer = desk.post()
    assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    (row,) = desk.rows
    assert row.outcome.startswith("unexpected trouble of our own, logged as incident ")
    assert (row.ok, row.outcome, row.detail) == (False, document(answer)["detail"], {"reason": "x"})


def test_what_was_done_is_told_although_it_is_not_in_the_audit(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    desk.ledger = BrokenFor(desk.ledger, AUDIT)
    answer = desk.post()
    assert answer.status_code == HTTPStatus.ACCEPTED
    told = document(answer)
    assert told["done"] == "it"
    assert told["not_in_audit"].startswith("this could not be written to the audit: ")
    assert "thing.do by entra:t:o is not in the audit" in caplog.text
    assert len(desk.calls) == 1


def test_a_refusal_that_is_not_in_the_audit_is_still_that_refusal(desk: Desk) -> None:
    desk.fails, desk.ledger = PermanentError("it is broken"), BrokenFor(desk.ledger, AUDIT)
    told = document(desk.post())
    assert told["detail"] == "it is broken"
    assert "not_in_audit" in told


def test_a_key_alone_is_an_operator(desk: Desk) -> None:
    desk.identities = KeyIdentities()
    assert desk.post().status_code == HTTPStatus.ACCEPTED
    assert desk.rows[0].who_id == "key"
