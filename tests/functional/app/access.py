"""Who may call which route: written down here once more, by hand, and played against a running app.

A call is harmless: where it is let in, it fails for its empty body or because there is nothing of that name. So its
status tells who was let in and nothing is done.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from http import HTTPStatus
from typing import Any

from tests.functional.app.http_client import JSON_MEDIA, Answer, Api
from tests.functional.app.tenant_app import FUNCTION_KEY, WORKLOAD, TenantApp

_OTHER_TENANT = "99999999-0000-4000-8000-000000000000"
_NO_ROLLBACK = f"{WORKLOAD}.20010101T000000000000"
_PARTS = {"{name}": WORKLOAD, "{id}": _NO_ROLLBACK, "{token}": "no-token"}


@dataclass(frozen=True, slots=True)
class Row:
    """A route, who is let in, and what they are answered."""

    method: str
    route: str
    let_in: frozenset[str]
    answer: HTTPStatus

    @property
    def path(self) -> str:
        """Where it is called."""
        return "/api/" + reduce(lambda path, part: path.replace(*part), _PARTS.items(), self.route)

    def __str__(self) -> str:
        return f"{self.method} /api/{self.route}"


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who calls.

    Attributes:
        who: Whose token is shown; nobody's if empty.
        asked: What else is in the token.
        stopped: What whoever has no business here is answered.
    """

    name: str
    key: str = FUNCTION_KEY
    who: str = ""
    asked: Mapping[str, Any] = field(default_factory=dict)
    stopped: HTTPStatus = HTTPStatus.FORBIDDEN


def _with(role: str) -> dict[str, Any]:
    return {"claims": {"roles": [role]}}


VISITORS = (
    Visitor("no credentials", key="", stopped=HTTPStatus.UNAUTHORIZED),
    Visitor("token without key", key="", who="arno", stopped=HTTPStatus.UNAUTHORIZED),
    Visitor("unknown key", key="wrong", who="arno", stopped=HTTPStatus.UNAUTHORIZED),
    Visitor("key alone", stopped=HTTPStatus.UNAUTHORIZED),
    Visitor("wrong tenant", who="arno", asked={"claims": {"tid": _OTHER_TENANT}}, stopped=HTTPStatus.UNAUTHORIZED),
    Visitor("no role", who="nils"),
    Visitor("viewer", who="vera", asked=_with("Viewer")),
    Visitor("operator", who="otto", asked=_with("Operator")),
    Visitor("approver", who="anna", asked=_with("Approver")),
    Visitor("alert sender", who="action_group"),
)

_ALL = frozenset(visitor.name for visitor in VISITORS)
_READERS = frozenset({"viewer", "operator", "approver"})
_OPERATORS = frozenset({"operator"})
_APPROVERS = frozenset({"approver"})
_SENDERS = frozenset({"alert sender", "operator"})

ROWS = (
    Row("POST", "alerts", _SENDERS, HTTPStatus.BAD_REQUEST),
    Row("POST", "workloads/{name}/samples", _OPERATORS, HTTPStatus.BAD_REQUEST),
    Row("GET", "workloads", _READERS, HTTPStatus.OK),
    Row("GET", "workloads/{name}", _READERS, HTTPStatus.OK),
    Row("GET", "workloads/{name}/metrics", _READERS, HTTPStatus.OK),
    Row("GET", "workloads/{name}/advice", _READERS, HTTPStatus.OK),
    Row("PUT", "workloads/{name}/known-good", _OPERATORS, HTTPStatus.BAD_REQUEST),
    Row("POST", "workloads/{name}/changes", _OPERATORS, HTTPStatus.BAD_REQUEST),
    Row("POST", "workloads/{name}/commands", _OPERATORS, HTTPStatus.BAD_REQUEST),
    Row("GET", "workloads/{name}/control", _READERS, HTTPStatus.OK),
    Row("POST", "workloads/{name}/promotions", _OPERATORS, HTTPStatus.BAD_REQUEST),
    Row("GET", "workloads/{name}/readiness", _READERS, HTTPStatus.SERVICE_UNAVAILABLE),  # it was never checked
    Row("POST", "workloads/{name}/drills", _OPERATORS, HTTPStatus.BAD_REQUEST),
    Row("POST", "workloads/{name}/rollbacks", _OPERATORS, HTTPStatus.BAD_REQUEST),
    Row("GET", "workloads/{name}/rollbacks/preview", _READERS, HTTPStatus.OK),
    Row("GET", "workloads/{name}/databases", _READERS, HTTPStatus.OK),
    Row("POST", "workloads/{name}/databases/checkpoints", _OPERATORS, HTTPStatus.OK),
    Row("GET", "rollbacks/{id}", _READERS, HTTPStatus.NOT_FOUND),
    Row("GET", "rollbacks/{id}/receipt", _READERS, HTTPStatus.NOT_FOUND),
    Row("POST", "rollbacks/{id}/cancel", _OPERATORS, HTTPStatus.BAD_REQUEST),
    Row("POST", "rollbacks/{id}/approve", _APPROVERS, HTTPStatus.BAD_REQUEST),
    Row("POST", "rollbacks/{id}/reject", _APPROVERS, HTTPStatus.NOT_FOUND),
    Row("GET", "answers/{token}", _ALL, HTTPStatus.NOT_FOUND),  # the link itself is what lets in
    Row("POST", "answers/{token}", _ALL, HTTPStatus.NOT_FOUND),
    Row("GET", "fleet", _READERS, HTTPStatus.OK),
    Row("PUT", "fleet/pause", _OPERATORS, HTTPStatus.BAD_REQUEST),
    Row("DELETE", "fleet/pause", _OPERATORS, HTTPStatus.OK),
    Row("GET", "audit", _READERS, HTTPStatus.OK),
    Row("GET", "openapi.json", _READERS, HTTPStatus.OK),
    Row("GET", "health", _ALL, HTTPStatus.SERVICE_UNAVAILABLE),  # it has never watched
    Row("GET", "health/ready", _ALL, HTTPStatus.SERVICE_UNAVAILABLE),
    Row("GET", "health/live", _ALL, HTTPStatus.OK),
)


@dataclass(frozen=True, slots=True)
class Visit:
    """One call, and what it came to."""

    row: Row
    visitor: Visitor
    answer: Answer

    @property
    def expected(self) -> HTTPStatus:
        return self.row.answer if self.visitor.name in self.row.let_in else self.visitor.stopped

    @property
    def as_expected(self) -> bool:
        return self.answer.status == self.expected and self._says_how

    @property
    def _says_how(self) -> bool:
        """What the app refuses for want of a token says so; what the platform refuses says nothing."""
        asks = self.answer.headers.get("WWW-Authenticate") == "Bearer"
        return asks == (self.expected is HTTPStatus.UNAUTHORIZED and self.visitor.key == FUNCTION_KEY)


def visits(app: TenantApp) -> Iterator[Visit]:
    """Call every route as everybody, one row after the other."""
    apis = [_api(app, visitor) for visitor in VISITORS]
    for row in ROWS:
        body = b"" if row.method == "GET" else b"{}"
        for visitor, api in zip(VISITORS, apis, strict=True):
            yield Visit(row, visitor, api.send(row.method, row.path, body, JSON_MEDIA))


def _api(app: TenantApp, visitor: Visitor) -> Api:
    shown = app.of(visitor.who, **visitor.asked) if visitor.who else app.api
    return replace(shown, key=visitor.key)
