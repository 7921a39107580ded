"""Ending a run before its time: what has not acted yet never will, and what has is said and not taken back."""

from dataclasses import replace
from datetime import datetime

from shared.engine.receipts import Receipts
from shared.engine.records import LAST, Active, announce, decode, encode, load_run, run_key
from shared.engine.start import after, unread_run
from shared.errors import LostRace, PermanentError
from shared.model.event import Event
from shared.model.policy import Notify, Policy
from shared.model.run import LastRollback, Run, RunKind, RunStatus, StepPhase, StepRecord
from shared.ports import Ledger, Put, Replace, Signer, Write


def ended_early(run: Run, status: RunStatus, why: str, now: datetime) -> Run:
    """Return the run as it ends here."""
    return replace(run, status=status, ended_at=now, outcome=_outcome(run, status, why))


def superseding_writes(
    ledger: Ledger, signer: Signer | None, policy: Policy, lower: tuple[Run, str], why: str, now: datetime
) -> list[Write]:
    """Return the writes that end a run because one of a higher rank takes its place, which replaces the claim itself.

    Args:
        lower: The run, and the version of its record.
    """
    run, version = lower
    ended = ended_early(run, RunStatus.SUPERSEDED, why, now)
    return [Replace(run_key(ended.id), encode(ended), version), *telling_writes(ledger, signer, policy, ended)]


def giving_way_writes(
    ledger: Ledger, signer: Signer | None, policy: Policy, active: Active, why: str, now: datetime
) -> tuple[Run, list[Write]]:
    """Return the run whose place a rollback takes, and the writes that end it.

    A promotion or a drill that nobody can read gives way all the same, as one that may have done anything.

    Raises:
        LostRace: it ended meanwhile.
        PermanentError: it is a rollback, and cannot be read.
    """
    try:
        loaded = load_run(ledger, policy.workload, active.id)
    except PermanentError:
        if active.rank:
            raise
        loaded = None
    if loaded is None and not active.rank:
        return unread_writes(ledger, signer, policy, policy.workload, active, RunStatus.SUPERSEDED, why, now)
    if loaded is None or loaded[0].status.ended:
        raise LostRace(f"run {active.id} ended while it was being replaced")
    return loaded[0], superseding_writes(ledger, signer, policy, loaded, why, now)


def unread_writes(
    ledger: Ledger,
    signer: Signer | None,
    policy: Policy | None,
    workload: str,
    active: Active,
    status: RunStatus,
    why: str,
    now: datetime,
) -> tuple[Run, list[Write]]:
    """Return a run whose record is damaged or gone, as it is ended, and the writes of that.

    Its record is replaced by one that says that it has ended, so that no version that could read it takes it up again.
    The commit must also hold on to the version of the `active` record, which must still name this run.
    """
    outcome = f"{status}: {why}; its record could not be read: nobody knows what it did, and all of that stays"
    ended = unread_run(active, workload, _text(ledger, workload, active.id), status, outcome, now)
    return ended, [Put(run_key(ended.id), encode(ended)), *telling_writes(ledger, signer, policy, ended)]


def _text(ledger: Ledger, workload: str, run_id: str) -> str:
    try:
        row = ledger.read(workload, run_key(run_id))
    except PermanentError:
        return ""
    return row.body if row else ""


def last_writes(ledger: Ledger, policy: Policy | None, run: Run, at: datetime) -> list[Write]:
    """Return the write that remembers what a run that ended left to the next one; none when nothing is new."""
    before = _last(ledger, run.workload)
    remembered = after(policy, before, run, at)
    return [] if remembered == (before or LastRollback()) else [Put(LAST, encode(remembered))]


def _last(ledger: Ledger, workload: str) -> LastRollback | None:
    """What nobody can read keeps no run from ending; it is replaced by what can be."""
    try:
        row = ledger.read(workload, LAST)
        return decode(LastRollback, row.body) if row else None
    except PermanentError:
        return None


def telling_writes(ledger: Ledger, signer: Signer | None, policy: Policy | None, ended: Run) -> list[Write]:
    """Return the writes of the receipt and of the event of a run that ended early."""
    at = ended.ended_at or ended.created_at
    event = Event(workload=ended.workload, kind=ended.status.event, at=at, sentence=ended.outcome, about=ended.id)
    return [
        Receipts(ledger, signer).write_of(ended, event),
        *announce(event, policy.notify if policy else Notify()),
    ]


def _outcome(run: Run, status: RunStatus, why: str) -> str:
    """Say what cannot be taken back by ending the run here."""
    what = f"level {run.level}" if run.kind is RunKind.ROLLBACK else f"{run.kind} of build {run.build}"
    acted = [_said(step) for step in run.steps if step.acts and step.phase is not StepPhase.PENDING]
    undone = f"; what it did stays: {'; '.join(acted)}" if acted else "; it had not done anything yet"
    return f"{what} {status}: {why}{undone}"


_DID = {
    StepPhase.INTENDED: "may have been sent, or may be within seconds",
    StepPhase.ACTED: "was accepted and is under way",
    StepPhase.DONE: "was established",
}


def _said(step: StepRecord) -> str:
    return f"{step.name} {_DID.get(step.phase, f'was tried and {step.phase}')}"
