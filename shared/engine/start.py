"""Starting a rollback: one commit that writes the run, claims the workload and records the event."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from shared.decision.cycle import Known
from shared.decision.roads import first_step
from shared.engine.records import ACTIVE, KNOWN_GOOD, QUARANTINE, STARTS, Active, Snapshot, announce, encode, run_key
from shared.engine.steps.step import LEASE
from shared.model.event import Event, EventKind
from shared.model.policy import Policy
from shared.model.policy_roads import SlotSwapRoad
from shared.model.quarantine import Quarantined
from shared.model.run import BY_WATCH, LastRollback, RoadTimes, Run, RunKind, RunStatus, StepPhase, StepRecord
from shared.model.stage import Stage
from shared.ports import Insert, Put, Replace, Write

# The longest that users report is 23 minutes.
_SWAP_MAY_TAKE = timedelta(hours=1)
_INSTANT = "%Y%m%dT%H%M%S%f"
_MOST_KEPT = 100_000


def new_rollback(
    policy: Policy,
    *,
    level: int,
    known_good: str,
    cause: str,
    requested_by: str,
    trigger: str,
    times: RoadTimes,
    now: datetime,
    swap_sent_at: datetime | None = None,
    not_before: datetime | None = None,
    run_id: str = "",
    strategy: str = "",
    requested_by_id: str = "",
    undoes: str = "",
    agreed: tuple[str, ...] = (),
) -> Run:
    """Return a run that has not begun. Its id names the workload and the instant; there is one at a time.

    Args:
        policy: As `planned` by the strategy, if there is one.
        swap_sent_at: When a slot swap was sent that nobody has seen the end of.
        not_before: Until when a step of the run before it may still be carried out; see `leased_until`.
        undoes: The build of the promotion whose place it takes.
    """
    roads = policy.level(level).all_roads
    return Run(
        id=run_id or id_of_run(policy.workload, now),
        workload=policy.workload,
        level=level,
        strategy=strategy,
        undoes=undoes,
        requested_by_id=requested_by_id,
        agreed=agreed,
        cause=cause,
        requested_by=requested_by,
        trigger=trigger,
        known_good=known_good,
        created_at=now,
        due_at=max(now, not_before or now),
        steps=(first_step(),),
        swap_sent_at=swap_sent_at if swap_sent_at and now - swap_sent_at < _SWAP_MAY_TAKE else None,
        expected={road: times.p95(road, policy.all_roads[road].takes) for road in roads},
    )


def id_of_run(workload: str, now: datetime) -> str:
    """Return the id of a run that begins, or is asked for, at an instant."""
    return f"{workload}.{now:{_INSTANT}}"


def starting_writes(
    policy: Policy, run: Run, *, instead_of: str | None = None, active_version: str | None = None
) -> list[Write]:
    """Return the writes of the start. A second start loses the race for the `active` record.

    Args:
        instead_of: The run whose place it takes; the commit must also replace that run's own record.
        active_version: Of the `active` record; it guards the start where that run's own record is of no use.
    """
    event = Event(
        workload=run.workload,
        kind=EventKind.STARTED,
        at=run.created_at,
        sentence=f"level {run.level} {run.kind} to build {run.known_good} started by {run.requested_by}: {run.cause}",
        about=run.id,
    )
    active = encode(Active(run.id, run.rank))
    claim: Write = Insert(ACTIVE, active) if instead_of is None else Put(ACTIVE, active)
    return [
        Replace(ACTIVE, active, active_version) if active_version else claim,
        Insert(run_key(run.id), encode(run)),
        *announce(event, policy.notify),
    ]


def swap_sent_at(policy: Policy | None, run: Run) -> datetime | None:
    """Return when a slot swap was sent that nobody has seen the end of: by this run, or by one before it.

    Whoever comes next must not take the site for at rest before it is known to be. A road that no policy knows any more
    may have been a swap.
    """
    swaps = [(step, _is_swap(policy, run, step)) for step in run.steps if step.road]
    if any(step.phase is StepPhase.DONE and is_swap for step, is_swap in swaps):
        return None
    maybe_swaps = [step for step, is_swap in swaps if is_swap is not False]
    unseen = [s.intended_at for s in maybe_swaps if s.acts > s.refused and s.phase is not StepPhase.DONE]
    return max((at for at in (*unseen, run.swap_sent_at) if at is not None), default=None)


def _is_swap(policy: Policy | None, run: Run, step: StepRecord) -> bool | None:
    """Tell whether the road of a step is a slot swap that is sent; `None` when nobody knows it any more."""
    if run.kind is RunKind.DRILL:
        return False
    if run.kind is RunKind.PROMOTION:
        return run.stage(step).kind is Stage.SWAP
    road = policy.all_roads.get(step.road) if policy else None
    return None if road is None else isinstance(road, SlotSwapRoad)


def leased_until(run: Run) -> datetime | None:
    """Return until when somebody may still be carrying out a step, of this run or of the one that it still waits for.

    Ending a run takes no lease away: what its worker is just sending still arrives.
    """
    leases = [step.lease_until for step in run.steps if step.phase is StepPhase.INTENDED and step.lease_until]
    begun = any(step.started_at for step in run.steps)
    return max(leases if begun else [*leases, run.due_at], default=None)


def held_until(found: Snapshot, before: Run | None) -> datetime | None:
    """Return until when a step may still be carried out: of the run whose place is taken, or of the last that ended."""
    if before is not None:
        return leased_until(before)
    return found.last.lease_until if found.last else None


def unseen_swap(policy: Policy, found: Snapshot, before: Run | None) -> datetime | None:
    """Return when the run before sent a swap that nobody has seen the end of."""
    if before is not None:
        return swap_sent_at(policy, before)
    return found.last.swap_sent_at if found.last else None


def after(policy: Policy | None, last: LastRollback | None, run: Run, at: datetime) -> LastRollback:
    """Return what is remembered when a run has ended: what it left under way, and which rollback was the last one.

    Cool-down and whatever else goes by the last rollback knows nothing of promotions and drills.

    Args:
        last: What was remembered before.
    """
    left = last_of(policy, run, at)
    if run.kind is RunKind.ROLLBACK:
        return left
    return replace(last or LastRollback(), swap_sent_at=left.swap_sent_at, lease_until=left.lease_until)


def last_of(policy: Policy | None, run: Run, at: datetime) -> LastRollback:
    """Return what the next run must know of a rollback that ended."""
    until = leased_until(run)
    return LastRollback(
        id=run.id,
        status=run.status,
        ended_at=at,
        swap_sent_at=swap_sent_at(policy, run),
        lease_until=until if until and until > at else None,
    )


def unread_run(active: Active, workload: str, text: str, status: RunStatus, outcome: str, now: datetime) -> Run:
    """Return what takes the place of a record that cannot be read: a run that was ended, and what was found.

    Whatever nobody knows of it is empty; its level is 0. It may have done anything until now: swapped, or be acting.
    """
    found = StepRecord(
        name="record", phase=StepPhase.FAILED, note="it could not be read", evidence={"text": text[:_MOST_KEPT]}
    )
    instant = active.id.removeprefix(f"{workload}.")
    return Run(
        id=active.id,
        workload=workload,
        # One that ranks lowest may have been a drill; what is reckoned with is a promotion.
        kind=RunKind.ROLLBACK if active.rank else RunKind.PROMOTION,
        level=0,
        cause="",
        requested_by="",
        known_good="",
        created_at=datetime.strptime(instant, _INSTANT).replace(tzinfo=UTC),
        due_at=now + LEASE,
        steps=(found,),
        swap_sent_at=now,
        status=status,
        ended_at=now,
        outcome=outcome,
    )


def known_of(policy: Policy, found: Snapshot) -> Known:
    """Return what a decision starts from."""
    return Known(
        state=found.watch,
        known_good=found.known_good,
        change=found.change,
        active_rollback=found.rolling_back,
        last_rollback=found.last,
        started=found.starts.moments,
        quarantine=found.quarantine,
        settled=found.settled,
        promoted=found.promoted,
        swaps_only=policy.swaps_only,
    )


def envelope_writes(policy: Policy, found: Snapshot, run: Run, bad_build: str) -> list[Write]:
    """Return the writes that put the bad build in quarantine and count an automatic start against the budget.

    Whoever records another known good in this moment loses the race, or the start does.
    """
    writes: list[Write] = [found.save(KNOWN_GOOD, found.known_good)] if found.known_good else []
    quarantine = found.quarantine.with_build(bad_build, Quarantined(since=run.created_at, rollback_id=run.id))
    if quarantine is not found.quarantine:
        writes.append(found.save(QUARANTINE, quarantine))
    if run.requested_by_id == BY_WATCH:  # names are chosen by people
        starts = found.starts.with_one(run.created_at, run.workload, policy.guards.budget)
        writes.append(found.save(STARTS, starts))
    return writes
