"""Pages of links as operations: who is written down, and what is answered where there are no links."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from types import SimpleNamespace

import azure.functions as func
import pytest

from shared.clock import utc_now
from shared.engine.audit import AUDIT, Audit
from shared.functions import serving
from shared.functions.api import OPERATIONS, asks
from shared.model.audit import AuditRow
from shared.model.caller import Caller, Proof
from shared.ports import Ledger
from shared.web.link_pages import Page
from shared.web.pages import page_headers
from tests.fakes.interrupted import BrokenFor
from tests.fakes.ledger import MemoryLedger


@dataclass(slots=True)
class OnePage:
    """Pages of which every link leads to the same one."""

    status: HTTPStatus = HTTPStatus.OK
    known: bool = True
    origins: list[str] = field(default_factory=list)

    def show(self, token: str) -> Page:
        return Page(status=self.status, html=f"shown: {token}")

    def answer(self, token: str, form: bytes, origin: str) -> Page:
        self.origins.append(origin)
        who = Caller(id="link:webhook:ops", name="webhook:ops", roles=frozenset(), proof=Proof.LINK, origin=origin)
        says = f"{form.decode()} was taken"
        return Page(
            status=self.status, html=f"done: {token}", about="orders.1", who=who if self.known else None, says=says
        )


@dataclass(slots=True)
class Desk:
    """An app whose links lead to one page, or that has none."""

    link_pages: OnePage | None = field(default_factory=OnePage)
    ledger: Ledger = field(default_factory=MemoryLedger)

    @property
    def audit(self) -> Audit:
        return Audit(self.ledger, utc_now)

    @property
    def rows(self) -> Sequence[AuditRow]:
        return self.audit.rows().rows

    def send(self, method: str) -> func.HttpResponse:
        (wanted,) = [one for one in OPERATIONS if (one.method, one.route) == (method, "answers/{token}")]
        request = func.HttpRequest(
            method,
            "http://app/api/answers/secret",
            headers={"X-Forwarded-For": "6.6.6.6, 203.0.113.7:50123"},
            route_params={"token": "secret"},
            body=b"yes",
        )
        return serving.serve(wanted, request)


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    made = Desk()
    for module in (serving, asks):
        monkeypatch.setattr(module, "app", lambda: SimpleNamespace(link_pages=made.link_pages, audit=made.audit))
    return made


def test_looking_is_not_written_down(desk: Desk) -> None:
    answer = desk.send("GET")
    assert (answer.status_code, answer.get_body()) == (HTTPStatus.OK, b"shown: secret")
    assert {name: answer.headers[name] for name in page_headers()} == page_headers()
    assert desk.rows == ()


@pytest.mark.parametrize("status", [HTTPStatus.OK, HTTPStatus.CONFLICT, HTTPStatus.SERVICE_UNAVAILABLE])
def test_an_answer_is_written_down_as_the_links_and_without_the_link(desk: Desk, status: HTTPStatus) -> None:
    desk.link_pages = OnePage(status)
    assert desk.send("POST").status_code == status
    (row,) = desk.rows
    assert (row.who_id, row.proof, row.origin) == ("link:webhook:ops", "link", "203.0.113.7:50123")
    assert (row.act, row.target, row.detail) == ("ask.answer", "orders.1", {})
    assert (row.ok, row.outcome) == (status is HTTPStatus.OK, "yes was taken")
    assert "secret" not in repr(row)


def test_of_a_link_that_is_none_nothing_is_written_down(desk: Desk) -> None:
    desk.link_pages = OnePage(HTTPStatus.NOT_FOUND, known=False)
    assert desk.send("POST").status_code == HTTPStatus.NOT_FOUND
    assert desk.rows == ()


def test_the_page_comes_although_it_is_not_in_the_audit(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    desk.ledger = BrokenFor(desk.ledger, AUDIT)
    answer = desk.send("POST")
    assert (answer.status_code, answer.get_body()) == (HTTPStatus.OK, b"done: secret")
    assert "ask.answer by link:webhook:ops is not in the audit" in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_where_there_are_no_links_every_one_is_none(desk: Desk, method: str) -> None:
    desk.link_pages = None
    answer = desk.send(method)
    assert answer.status_code == HTTPStatus.NOT_FOUND
    assert b"This link is not valid" in answer.get_body()
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert desk.rows == ()
