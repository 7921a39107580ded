"""Ending a promotion: the new build is the known good from now on, or level 1 takes back what of it went out.

Taking back what a promotion itself did is charged to no budget and waits for no cool-down. Where level 1 takes an
approval, people are asked; while the policy only observes, or the fleet is paused, they are called.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.decision.asking import Wanted, approval_rule
from shared.decision.promotion import final_ending
from shared.decision.roads import Ending
from shared.engine.end_early import last_writes
from shared.engine.finish import Finish, asking_next, begun_beside, not_by_itself, say_asked
from shared.engine.receipts import Receipts
from shared.engine.records import ACTIVE, ASK, CHANGE, KNOWN_GOOD, Snapshot, announce, encode, run_key, snapshot
from shared.engine.start import (
    envelope_writes,
    id_of_run,
    leased_until,
    new_rollback,
    starting_writes,
    swap_sent_at,
)
from shared.model.change import ChangeStatus, KnownGood
from shared.model.event import Event, EventKind
from shared.model.policy import Policy
from shared.model.quantity import say_span
from shared.model.run import Run, RunStatus
from shared.ports import Delete, Ledger, Put, Replace, Row, Write

_BACK_BY, _LAST_LEVEL = 1, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ended:
    """A promotion that has ended, and what was found then.

    Attributes:
        asked: The question that people are asked at present.
        cause: Of what follows.
    """

    ledger: Ledger
    policy: Policy
    found: Snapshot
    asked: Row | None
    run: Run
    cause: str
    now: datetime


_Next = Callable[[_Ended], list[Write]]


def promotion_finishing_writes(
    ledger: Ledger, receipts: Receipts, policy: Policy, run: Run, version: str, ending: Ending, now: datetime
) -> Finish:
    """Return what ends a promotion.

    Args:
        version: The version of its record.
    """
    found, asked = snapshot(ledger, run.workload), ledger.read(run.workload, ASK)
    ending = final_ending(run, ending, found.quarantine)
    verified = ending.status is RunStatus.VERIFIED
    follows, what_follows = ("", _nothing) if verified else _what_follows(ledger, policy, run, asked)
    cause = f"promotion of build {run.promoted} {ending.status}: {ending.note}"
    outcome = f"{cause}; {say_span(now - run.created_at)}{follows}"
    ended = replace(run, status=ending.status, ended_at=now, outcome=outcome)
    kind = EventKind.PROMOTED if verified else ending.status.event
    event = Event(workload=run.workload, kind=kind, at=now, sentence=outcome, about=run.id)
    known_good = KnownGood(build=run.promoted, recorded_at=now, recorded_by=run.id)
    return Finish(
        ended,
        [
            Replace(run_key(run.id), encode(ended), version),
            receipts.write_of(ended, event),
            *announce(event, policy.notify),
            *([Put(KNOWN_GOOD, encode(known_good))] if verified else []),
            *_change_writes(found, ended),
            *(_moot(asked, ended, now) if verified else []),
            *what_follows(
                _Ended(ledger=ledger, policy=policy, found=found, asked=asked, run=ended, cause=cause, now=now)
            ),
        ],
    )


def _what_follows(ledger: Ledger, policy: Policy, run: Run, asked: Row | None) -> tuple[str, _Next]:
    """Return what is done about a promotion that ended badly, and how its outcome says so."""
    if not run.has_acted:
        return "; nobody was given the new build", _nothing
    why_not = not_by_itself(ledger, policy)
    if why_not is not None:
        return f"; level {_BACK_BY} does not take it back by itself: {why_not}; people are called", _nothing
    if approval_rule(policy, _BACK_BY) is not None:
        return f"; {say_asked(_BACK_BY, asked)}", _asking
    return f"; level {_BACK_BY} takes it back", _taking_back


def _moot(asked: Row | None, run: Run, now: datetime) -> list[Write]:
    """What people are asked for would take them back to a build that is the known good no more."""
    why = f"build {run.promoted} is the known good now; ask again for what is still wanted"
    return begun_beside(asked, _LAST_LEVEL, why, now)


def _nothing(end: _Ended) -> list[Write]:
    return [Delete(ACTIVE), *last_writes(end.ledger, end.policy, end.run, end.now)]


def _asking(end: _Ended) -> list[Write]:
    """People are asked for it, in the name of whoever wanted the promotion: where it takes four eyes, two others."""
    run, approval = end.run, approval_rule(end.policy, _BACK_BY)
    wanted = Wanted(
        id=id_of_run(run.workload, end.now),
        level=_BACK_BY,
        build=run.known_good,
        bad_build=run.promoted,
        cause=end.cause,
        trigger="",
        requested_by_id=run.requested_by_id,
        requested_by=run.requested_by,
    )
    times = end.found.road_times
    asking = (
        asking_next(end.policy, approval, wanted, times, end.asked, end.now, end.found.checkpoints) if approval else []
    )
    return [*_nothing(end), *asking]


def _taking_back(end: _Ended) -> list[Write]:
    """A rollback takes the promotion's place."""
    run, policy, found = end.run, end.policy, end.found
    back = new_rollback(
        policy,
        level=_BACK_BY,
        known_good=run.known_good,
        cause=end.cause,
        requested_by=run.requested_by,
        requested_by_id=run.requested_by_id,
        trigger="",
        times=found.road_times,
        swap_sent_at=swap_sent_at(policy, run),
        not_before=leased_until(run),
        now=max(end.now, run.created_at + timedelta(microseconds=1)),  # which is its name
        undoes=run.promoted,
    )
    return [
        *starting_writes(policy, back, instead_of=run.id),
        *envelope_writes(policy, found, back, run.promoted),
        *begun_beside(end.asked, _BACK_BY, f"level {_BACK_BY} takes it back: {end.cause}", end.now),
    ]


def _change_writes(found: Snapshot, run: Run) -> list[Write]:
    """The change that the promotion carries ends with it; one that goes back is ended by the rollback."""
    change = found.change
    if change is None or not change.in_progress or change.build != run.promoted:
        return []
    if run.status is RunStatus.VERIFIED:
        return [found.save(CHANGE, replace(change, status=ChangeStatus.COMPLETED, sentence=run.outcome))]
    return (
        [] if run.has_acted else [found.save(CHANGE, replace(change, status=ChangeStatus.FAILED, sentence=run.outcome))]
    )
