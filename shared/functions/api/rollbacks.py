"""Rollbacks: started by hand or asked for, looked at, ended."""

from dataclasses import replace
from http import HTTPStatus
from typing import Any

from shared.app import app
from shared.errors import InvalidInput, NotFound
from shared.functions.answers import AskView, ReceiptView, RollbackView, RunCancelled, RunStarted
from shared.functions.bodies import CancelBody, RollbackBody
from shared.functions.call import Call
from shared.functions.names import signed
from shared.functions.operations import OPERATORS, READERS, Act, operation
from shared.functions.replies import Document
from shared.model.ask import Ask


@operation(
    "POST",
    "workloads/{name}/rollbacks",
    roles=OPERATORS,
    status=HTTPStatus.ACCEPTED,
    refusals={HTTPStatus.CONFLICT},
    act=Act(
        "rollback.start",
        "rollback {id} is {status}",
        "{name}",
        ("level", "strategy", "reason", "requested_by", "agreed"),
    ),
)
def start_rollback(call: Call[RollbackBody]) -> RunStarted:
    """Start a rollback by hand, with a reason, and the workload's name typed out; or ask whether it may begin."""
    from shared.engine.requests import Request

    name, body = call.params["name"], call.body
    by = signed(call.caller, body.requested_by, "requested_by")
    _confirmed(name, body.confirm)
    begun = app().requests.roll_back(
        Request(
            workload=name,
            level=body.level,
            strategy=body.strategy or "",
            reason=body.reason,
            by=by,
            caller=call.caller,
            agreed=tuple(body.agreed),
        )
    )
    return RunStarted(begun.id, "asked" if isinstance(begun, Ask) else begun.status, f"/api/rollbacks/{begun.id}")


def _confirmed(workload: str, typed: str) -> None:
    """Refuse what was not meant: a name typed out is not sent by a slip of the finger."""
    from shared.model.policy import policy_of

    policy = policy_of(app().requests.policies(), workload)  # there is no such workload: that comes first
    if typed != policy.workload:
        raise InvalidInput(f"expected the workload's name, {policy.workload}, typed out", where="confirm")


@operation("GET", "rollbacks/{id}", roles=READERS, answer=RollbackView | AskView)
def show_rollback(call: Call) -> dict[str, Any]:
    """One run: steps, timings, evidence; or, while it is only asked for, the question."""
    run_id = call.params["id"]
    try:
        return app().views.rollback(run_id)
    except NotFound:
        if app().asks.find(run_id) is None:
            raise
    return app().asks.view(run_id)


@operation("GET", "rollbacks/{id}/receipt", roles=READERS, answer=ReceiptView)
def show_receipt(call: Call) -> Document:
    """The signed receipt of a run that ended, as it was written."""
    return Document(app().receipts.document(call.params["id"]))


@operation(
    "POST",
    "rollbacks/{id}/cancel",
    roles=OPERATORS,
    refusals={HTTPStatus.CONFLICT},
    act=Act("rollback.cancel", "{outcome}", "{id}", ("reason", "cancelled_by")),
)
def cancel_rollback(call: Call[CancelBody]) -> RunCancelled:
    """End a run; says what it cannot take back. What is only asked for is asked no more."""
    run_id, reason = call.params["id"], call.body.reason
    by = signed(call.caller, call.body.cancelled_by, "cancelled_by")
    try:
        run = app().by_hand.cancel(run_id, reason, by)
    except NotFound:
        if app().asks.find(run_id) is None:
            raise
    else:
        return RunCancelled(run.id, run.status, run.outcome)
    ask = app().asks.withdraw(run_id, replace(call.caller, name=by), reason)
    return RunCancelled(ask.id, ask.status, ask.sentence)
