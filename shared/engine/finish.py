"""Ending a rollback: one commit that writes the outcome, frees the workload or hands it to the next level, and tells.

A level that was not verified is not the end: the next level of the policy takes up in the same commit. After the last
one people are called, with the state.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.decision.roads import Ending
from shared.engine.fleet import paused
from shared.engine.receipts import Receipts
from shared.engine.records import ACTIVE, CHANGE, LAST, NOW_ONE, QUARANTINE, ROADS, announce, decode, encode, run_key
from shared.engine.start import new_rollback, starting_writes
from shared.errors import PermanentError
from shared.model.change import Change, ChangeStatus
from shared.model.event import Event
from shared.model.policy import Policy
from shared.model.quantity import say_span
from shared.model.quarantine import Quarantine
from shared.model.rollback import LastRollback, RoadTimes, Rollback, RunStatus, StepPhase
from shared.ports import Delete, Ledger, Put, Replace, Row, Write


@dataclass(frozen=True, slots=True)
class Finish:
    """A run at its end, and the writes of it."""

    run: Rollback
    writes: Sequence[Write]


def finishing_writes(
    ledger: Ledger, receipts: Receipts, policy: Policy, run: Rollback, version: str, ending: Ending, now: datetime
) -> Finish:
    """Return what ends a run.

    Args:
        version: The version of its record.
    """
    took = "" if ending.status is RunStatus.REFUSED else f"; {_against_budget(run, policy, now)}"
    higher = None if ending.status is RunStatus.VERIFIED else _next_level(ledger, policy, run)
    outcome = f"level {run.level} {ending.status}: {ending.note}{took}{_still_under_way(run)}"
    ended = replace(run, status=ending.status, ended_at=now, outcome=f"{outcome}{_taken_up_by(ending.status, higher)}")
    rows = {row.key: row for row in ledger.scan(run.workload, NOW_ONE)}
    times = (decode(RoadTimes, rows[ROADS].body) if ROADS in rows else RoadTimes()).with_run(ended)
    event = Event(workload=run.workload, kind=ended.status.event, at=now, sentence=ended.outcome, about=run.id)
    return Finish(
        ended,
        [
            Replace(run_key(run.id), encode(ended), version),
            Put(LAST, encode(LastRollback(id=run.id, status=ended.status, ended_at=now))),
            Put(ROADS, encode(times)),
            receipts.write_of(ended, event),
            *announce(event, policy.notify),
            *_change_writes(ended, rows.get(CHANGE)),
            *_quarantine_writes(ended, rows.get(QUARANTINE)),
            *([Delete(ACTIVE)] if higher is None else _climbing(policy, ended, higher, times, now)),
        ],
    )


def _next_level(ledger: Ledger, policy: Policy, run: Rollback) -> int | None:
    """The level that takes up by itself: none while the fleet is paused or the policy only observes."""
    higher = policy.levels.above(run.level)
    if higher is None or run.level not in policy.levels.by_number or policy.guards.observe_only:
        return None  # a level that left the policy while it ran says nothing of the one above it
    try:
        return higher if paused(ledger) is None else None
    except PermanentError:  # whoever cannot read whether it may, may not
        return None


def _taken_up_by(status: RunStatus, higher: int | None) -> str:
    if status is RunStatus.VERIFIED:
        return ""
    return "; no level above takes up: people are called" if higher is None else f"; level {higher} takes up"


def _climbing(policy: Policy, run: Rollback, higher: int, times: RoadTimes, now: datetime) -> list[Write]:
    next_run = new_rollback(
        policy,
        level=higher,
        known_good=run.known_good,
        cause=f"level {run.level} ended {run.status}: {run.cause}",
        requested_by=run.requested_by,
        trigger=run.trigger,
        times=times,
        now=max(now, run.created_at + timedelta(microseconds=1)),  # which is its name
    )
    return starting_writes(policy, next_run, instead_of=run.id)


def _against_budget(run: Rollback, policy: Policy, now: datetime) -> str:
    """Say whether the budget was met, and when it was not, what took the time."""
    took, level = now - run.created_at, policy.levels.by_number.get(run.level)
    if level is None:
        return say_span(took)
    budget = level.budget
    if took <= budget:
        return f"{say_span(took)}, within its budget of {say_span(budget)}"
    spans = {step.name: (step.ended_at or now) - step.started_at for step in run.steps if step.started_at}
    longest = max(spans, key=lambda name: spans[name], default="")
    most = f": {longest} took {say_span(spans[longest])} of it" if longest else ""
    return f"{say_span(took)}, over its budget of {say_span(budget)}{most}"


_UNDER_WAY = (StepPhase.INTENDED, StepPhase.ACTED)


def _still_under_way(run: Rollback) -> str:
    """Name what was overtaken by another road and may still take effect."""
    under_way = [step.name for step in run.steps if step.road and step.phase in _UNDER_WAY]
    return f"; still under way: {', '.join(under_way)}" if under_way else ""


def _quarantine_writes(run: Rollback, row: Row | None) -> list[Write]:
    """What was put in quarantine when the rollback began is known to be gone now."""
    if row is None or run.status is not RunStatus.VERIFIED:
        return []
    return [Replace(QUARANTINE, encode(decode(Quarantine, row.body).all_taken_back()), row.version)]


def _change_writes(run: Rollback, row: Row | None) -> list[Write]:
    if row is None or run.status is not RunStatus.VERIFIED:
        return []
    change = decode(Change, row.body)
    if not change.in_progress or change.started_at > run.created_at:  # one that began meanwhile is another one
        return []
    taken_back = replace(change, status=ChangeStatus.ROLLED_BACK, sentence=run.outcome)
    return [Replace(CHANGE, encode(taken_back), row.version)]
