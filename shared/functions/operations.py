"""Every HTTP route is an operation, declared once. From the declaration come the function that the host registers, who
may call it, how its body and query are read, its row in the audit, its part of the OpenAPI document, and its tests.

    @operation("POST", "workloads/{name}/rollbacks", roles=OPERATORS, status=HTTPStatus.ACCEPTED,
               refusals={HTTPStatus.CONFLICT}, act=Act("rollback.start", "rollback {id} is {status}", "{name}"))
    def start_rollback(call: Call[RollbackBody]) -> RollbackStarted:
        '''Start a rollback by hand.'''

The signature says the rest: `Call[Body, Query]` what is read (`None`: nothing), the return type what is answered.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, get_args, get_type_hints

import azure.functions as func

from shared.functions.call import Call
from shared.functions.serving import serve
from shared.model.caller import Role

type Use = Callable[[Call[Any, Any]], object]

READERS = frozenset({Role.VIEWER, Role.OPERATOR, Role.APPROVER})
OPERATORS = frozenset({Role.OPERATOR})
APPROVERS = frozenset({Role.APPROVER})
ALERT_SENDERS = frozenset({Role.ALERT_SENDER, Role.OPERATOR})
ANYBODY: None = None  # not even a function key is asked for


@dataclass(frozen=True, slots=True)
class Act:
    """What an operation does on behalf of somebody; each call is a row of the audit.

    Of an answer by a link, the link says target and outcome: its token is part of the path, and never written down.

    Attributes:
        word: A stable word, such as `rollback.start`.
        outcome: The sentence of success, filled from the fields of the answer.
        target: What it is done to, filled from the path.
        detail: Fields of body and query that are worth keeping, and hold nothing secret.
    """

    word: str
    outcome: str = ""
    target: str = ""
    detail: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A route and what is promised of it.

    Attributes:
        roles: Who may call it, by any of these; `ANYBODY` for an open one.
        body: Type that the body is read as; `None` when there is none.
        query: Model that the query is read as; `None` when there is none.
        answer: Type of what is answered with `status`.
        also: Other statuses that are answered with a document of a use case, and its type.
        refusals: Statuses beyond those that follow from path, body, query and roles.
    """

    method: str
    route: str
    roles: frozenset[Role] | None
    use: Use
    body: Any
    query: Any
    status: HTTPStatus
    answer: Any
    also: Mapping[HTTPStatus, Any] = field(default_factory=dict)
    refusals: frozenset[HTTPStatus] = frozenset()
    act: Act | None = None

    @property
    def name(self) -> str:
        return self.use.__name__

    @property
    def says(self) -> str:
        """What it does, in the words of its docstring."""
        return " ".join((self.use.__doc__ or "").split())


api = func.Blueprint()
OPERATIONS: list[Operation] = []


def operation(
    method: str,
    route: str,
    *,
    roles: frozenset[Role] | None,
    status: HTTPStatus = HTTPStatus.OK,
    answer: Any = None,
    also: Mapping[HTTPStatus, Any] | None = None,
    refusals: Collection[HTTPStatus] = (),
    act: Act | None = None,
) -> Callable[[Use], Use]:
    """Declare an operation; see `Operation` and `Act`. `answer` is the return type unless it is given."""

    def declare(use: Use) -> Use:
        hints = get_type_hints(use, include_extras=True)
        body, query = get_args(hints["call"]) or (type(None), type(None))
        declared = Operation(
            method=method,
            route=route,
            roles=roles,
            use=use,
            body=_unless_none(body),
            query=_unless_none(query),
            status=status,
            answer=answer or hints["return"],
            also=also or {},
            refusals=frozenset(refusals),
            act=act,
        )
        _register(declared)
        return use

    return declare


def _unless_none(kind: Any) -> Any:
    return None if kind in (None, type(None)) else kind


def _register(declared: Operation) -> None:
    """Hand it to the host, and to whoever reads the table."""

    # The worker reads signature and annotations: they must be these, and not those of what is called here.
    def answer(req: func.HttpRequest) -> func.HttpResponse:
        return serve(declared, req)

    answer.__name__, answer.__doc__ = declared.name, declared.use.__doc__
    level = func.AuthLevel.ANONYMOUS if declared.roles is ANYBODY else func.AuthLevel.FUNCTION
    api.route(declared.route, methods=[declared.method], auth_level=level)(answer)
    OPERATIONS.append(declared)
