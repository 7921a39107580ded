"""Ending a rollback: one commit that writes the outcome, frees the workload, and records what people will be told."""

from dataclasses import replace

from shared.engine.records import ACTIVE, CHANGE, LAST, announce, decode, encode, run_key
from shared.model.change import Change, ChangeStatus
from shared.model.event import Event
from shared.model.policy import Policy
from shared.model.rollback import LastRollback, Rollback, RunStatus
from shared.ports import Delete, Ledger, Put, Replace, Write


def finishing_writes(ledger: Ledger, policy: Policy, run: Rollback, version: str) -> list[Write]:
    """Return the writes of the end of a run.

    Args:
        run: The run with its final status, outcome and `ended_at`.
        version: The version of its record.
    """
    assert run.ended_at is not None  # noqa: S101  # narrows the type: the caller ends the run
    event = Event(workload=run.workload, kind=run.status.event, at=run.ended_at, sentence=run.outcome, about=run.id)
    return [
        Replace(run_key(run.id), encode(run), version),
        Delete(ACTIVE),
        Put(LAST, encode(LastRollback(id=run.id, status=run.status, ended_at=run.ended_at))),
        *announce(event, policy.notify),
        *_change_writes(ledger, run),
    ]


def _change_writes(ledger: Ledger, run: Rollback) -> list[Write]:
    row = ledger.read(run.workload, CHANGE) if run.status is RunStatus.VERIFIED else None
    if row is None:
        return []
    change = decode(Change, row.body)
    if change.status not in (ChangeStatus.ACTIVE, ChangeStatus.PAUSED):
        return []
    taken_back = replace(change, status=ChangeStatus.ROLLED_BACK, sentence=run.outcome)
    return [Replace(CHANGE, encode(taken_back), row.version)]
