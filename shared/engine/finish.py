"""Ending a rollback: one commit that writes the outcome, frees the workload or hands it to the next level, and tells.

A level that was not verified is not the end: the next level of the policy takes up in the same commit. After the last
one people are called, with the state.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.decision.asking import Wanted, approval_rule, new_ask
from shared.decision.data_limits import say_rows
from shared.decision.road_times import with_run
from shared.decision.roads import KNOWN_GOOD_SERVED, Ending, has_changed
from shared.engine.ask_records import archive_writes, beginning_writes, question, telling
from shared.engine.fleet import paused
from shared.engine.receipts import Receipts
from shared.engine.records import (
    ACTIVE,
    ASK,
    CHANGE,
    CHECKPOINTS,
    LAST,
    NOW_ONE,
    QUARANTINE,
    ROADS,
    WHY,
    announce,
    decode,
    encode,
    run_key,
)
from shared.engine.start import id_of_run, last_of, leased_until, new_rollback, starting_writes, swap_sent_at
from shared.errors import PermanentError
from shared.model.ask import Ask
from shared.model.change import Change, ChangeStatus
from shared.model.checkpoint import Checkpoints
from shared.model.event import Event, EventKind
from shared.model.policy import Policy
from shared.model.policy_approval import Approval
from shared.model.quantity import say_span
from shared.model.quarantine import Quarantine
from shared.model.run import RoadTimes, Run, RunStatus, StepPhase
from shared.ports import Delete, Insert, Ledger, Put, Replace, Row, Write

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Finish:
    """A run at its end, and the writes of it."""

    run: Run
    writes: Sequence[Write]


def finishing_writes(
    ledger: Ledger, receipts: Receipts, policy: Policy, run: Run, version: str, ending: Ending, now: datetime
) -> Finish:
    """Return what ends a run.

    Args:
        version: The version of its record.
    """
    took = "" if ending.status is RunStatus.REFUSED else f"; {_against_budget(run, policy, now)}"
    rows = {row.key: row for row in ledger.scan(run.workload, NOW_ONE)}
    higher, follows = _what_follows(ledger, policy, run, ending.status, rows)
    rows_say = say_rows(policy, run, ending.status, _checkpoints(rows))
    outcome = f"level {run.level} {ending.status}: {ending.note}{took}{_still_under_way(run)}{rows_say}"
    ended = replace(run, status=ending.status, ended_at=now, outcome=f"{outcome}{follows}")
    times = with_run((_readable(RoadTimes, rows[ROADS]) if ROADS in rows else None) or RoadTimes(), ended)
    event = Event(workload=run.workload, kind=ended.status.event, at=now, sentence=ended.outcome, about=run.id)
    return Finish(
        ended,
        [
            Replace(run_key(run.id), encode(ended), version),
            Put(LAST, encode(last_of(policy, ended, now))),
            Put(ROADS, encode(times)),
            receipts.write_of(ended, event),
            *announce(event, policy.notify),
            *_change_writes(ended, rows.get(CHANGE)),
            *_quarantine_writes(ended, rows.get(QUARANTINE)),
            *([Delete(ACTIVE)] if higher is None else _climbing(ledger, policy, ended, higher, times, rows, now)),
        ],
    )


def _what_follows(
    ledger: Ledger, policy: Policy, run: Run, status: RunStatus, rows: Mapping[str, Row]
) -> tuple[int | None, str]:
    """Return the level that takes up by itself, if one does, and how the outcome says so."""
    if status is RunStatus.VERIFIED:
        return None, ""
    if run.rehearses:
        return None, "; it was a drill: no other level takes up"
    # A level that left the policy while it ran says nothing of the ones above it.
    higher = policy.levels.above(run.level) if run.level in policy.levels.by_number else None
    if higher is None:
        return None, "; no level above takes up: people are called"
    why_not = not_by_itself(ledger, policy)
    if why_not is not None:
        return None, f"; level {higher} does not take up by itself: {why_not}"
    if approval_rule(policy, higher, "", _checkpoints(rows)) is not None:
        return higher, f"; {say_asked(higher, rows.get(ASK))}"
    return higher, f"; level {higher} takes up"


def not_by_itself(ledger: Ledger, policy: Policy) -> str | None:
    """Return why nothing more is begun by itself, or `None`."""
    if policy.guards.observe_only:
        return "the policy says observe_only"
    try:
        pause = paused(ledger)
    except PermanentError as error:  # whoever cannot read whether it may, may not
        return f"the fleet's own record is of no use: {error}"
    return str(pause) if pause else None


def _climbing(
    ledger: Ledger, policy: Policy, run: Run, higher: int, times: RoadTimes, rows: Mapping[str, Row], now: datetime
) -> list[Write]:
    """Return the writes by which the next level takes up, for the same reasons, or people are asked whether it may."""
    checkpoints = _checkpoints(rows)
    approval = approval_rule(policy, higher, "", checkpoints)
    if approval is not None:
        wanted = Wanted(
            id=id_of_run(run.workload, now),
            level=higher,
            build=run.known_good,
            bad_build="",
            cause=f"level {run.level} ended {run.status}: {run.cause}",
            trigger=run.trigger,
            requested_by_id=run.requested_by_id,
            requested_by=run.requested_by,
        )
        return [Delete(ACTIVE), *asking_next(policy, approval, wanted, times, rows.get(ASK), now, checkpoints)]
    next_run = new_rollback(
        policy,
        level=higher,
        known_good=run.known_good,
        cause=f"level {run.level} ended {run.status}: {run.cause}",
        requested_by=run.requested_by,
        requested_by_id=run.requested_by_id,
        trigger=run.trigger,
        times=times,
        swap_sent_at=swap_sent_at(policy, run),
        not_before=leased_until(run),
        now=max(now, run.created_at + timedelta(microseconds=1)),  # which is its name
        undoes=run.undoes,
    )
    why = ledger.read(run.workload, f"{WHY}{run.id}")
    reasons: list[Write] = [Insert(f"{WHY}{next_run.id}", why.body)] if why else []
    beside = begun_beside(rows.get(ASK), higher, f"level {higher} takes up: {next_run.cause}", now)
    return [*starting_writes(policy, next_run, instead_of=run.id), *reasons, *beside]


def begun_beside(row: Row | None, level: int, why: str, now: datetime) -> list[Write]:
    """Return what becomes of the question that people are asked, if they are, as a run that ends begins a level.

    Args:
        row: Of the question.
    """
    ask = _readable(Ask, row) if row else None
    return beginning_writes(ask, row.version, level, why, now) if row and ask else []


def asking_next(
    policy: Policy,
    approval: Approval,
    wanted: Wanted,
    times: RoadTimes,
    row: Row | None,
    now: datetime,
    checkpoints: Checkpoints,
) -> list[Write]:
    """Return the writes by which a run that ends asks people for what is next; none when that or more is asked already.

    Args:
        row: Of the question that people are asked at present, if there is one.
    """
    before = _readable(Ask, row) if row else None
    if before is not None and before.level >= wanted.level:
        return []
    asked = new_ask(policy, approval, wanted, times, now, checkpoints)
    save = Replace(ASK, encode(asked), row.version) if row else Insert(ASK, encode(asked))
    return [save, *archive_writes(before, asked), *telling(asked, EventKind.ASKED, question(asked), now)]


def say_asked(level: int, row: Row | None) -> str:
    """Say what `asking_next` does."""
    before = _readable(Ask, row) if row else None
    if before is not None and before.level >= level:
        return f"level {level} is not asked for: a question for level {before.level} is open"
    return f"level {level} is asked for"


def _against_budget(run: Run, policy: Policy, now: datetime) -> str:
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


def _still_under_way(run: Run) -> str:
    """Name what was overtaken by another road and may still take effect."""
    under_way = [step.name for step in run.steps if step.road and step.phase in _UNDER_WAY]
    return f"; still under way: {', '.join(under_way)}" if under_way else ""


def _quarantine_writes(run: Run, row: Row | None) -> list[Write]:
    """What was put in quarantine when the rollback began is known to be gone, once people were served the known good.

    A flag or a hook may heal a build that stays: whoever sees it again must not take it for deployed again.
    """
    verification = run.steps[-1]
    if row is None or not _healed(run) or not verification.evidence.get(KNOWN_GOOD_SERVED):
        return []
    quarantine = _readable(Quarantine, row)
    return [Replace(QUARANTINE, encode(quarantine.all_taken_back()), row.version)] if quarantine else []


def _change_writes(run: Run, row: Row | None) -> list[Write]:
    change = _readable(Change, row) if row is not None and _healed(run) else None
    if row is None or change is None or not change.in_progress:
        return []
    # One that began meanwhile is another one, and so is one that stopped the promotion which was taken back.
    if change.started_at > run.created_at or run.undoes not in ("", change.build):
        return []
    taken_back = change.moved(ChangeStatus.ROLLED_BACK, run.outcome, run.ended_at or run.created_at, by=run.id)
    return [Replace(CHANGE, encode(taken_back), row.version)]


def _healed(run: Run) -> bool:
    return run.status is RunStatus.VERIFIED and has_changed(run)


def _checkpoints(rows: Mapping[str, Row]) -> Checkpoints:
    return (_readable(Checkpoints, rows[CHECKPOINTS]) if CHECKPOINTS in rows else None) or Checkpoints()


def _readable[T](kind: type[T], row: Row) -> T | None:
    """Read what stands beside a run; that nobody can read it must not keep the run from ending."""
    try:
        return decode(kind, row.body)
    except PermanentError as error:
        log.error("%s of %s: %s", row.key, kind.__name__, error)  # noqa: TRY400  # a trace would show the content
        return None
