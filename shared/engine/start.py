"""Starting a rollback: one commit that writes the run, claims the workload and records the event."""

from datetime import UTC, datetime, timedelta

from shared.decision.cycle import Known
from shared.decision.roads import first_step
from shared.engine.records import ACTIVE, QUARANTINE, STARTS, Active, Snapshot, announce, encode, run_key
from shared.engine.steps.step import LEASE
from shared.model.event import Event, EventKind
from shared.model.policy import Policy
from shared.model.policy_roads import SlotSwapRoad
from shared.model.quarantine import Quarantined
from shared.model.rollback import BY_WATCH, LastRollback, RoadTimes, Rollback, RunStatus, StepPhase, StepRecord
from shared.ports import Insert, Put, Write

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
) -> Rollback:
    """Return a run that has not begun. Its id names the workload and the instant; there is one at a time.

    Args:
        swap_sent_at: When a slot swap was sent that nobody has seen the end of.
        not_before: Until when a step of the run before it may still be carried out; see `leased_until`.
    """
    roads = policy.level(level).all_roads
    return Rollback(
        id=f"{policy.workload}.{now:{_INSTANT}}",
        workload=policy.workload,
        level=level,
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


def starting_writes(policy: Policy, run: Rollback, *, instead_of: str | None = None) -> list[Write]:
    """Return the writes of the start. A second start loses the race for the `active` record.

    Args:
        instead_of: The run whose place it takes; the commit must also replace that run's own record.
    """
    event = Event(
        workload=run.workload,
        kind=EventKind.STARTED,
        at=run.created_at,
        sentence=f"level {run.level} rollback to build {run.known_good} started by {run.requested_by}: {run.cause}",
        about=run.id,
    )
    active = encode(Active(run.id))
    return [
        Insert(ACTIVE, active) if instead_of is None else Put(ACTIVE, active),
        Insert(run_key(run.id), encode(run)),
        *announce(event, policy.notify),
    ]


def swap_sent_at(policy: Policy | None, run: Rollback) -> datetime | None:
    """Return when a slot swap was sent that nobody has seen the end of: by this run, or by one before it.

    Whoever comes next must not take the site for at rest before it is known to be. A road that no policy knows any more
    may have been a swap.
    """
    roads = policy.all_roads if policy else {}
    taken = [(step, roads.get(step.road)) for step in run.steps if step.road]
    if any(step.phase is StepPhase.DONE and isinstance(road, SlotSwapRoad) for step, road in taken):
        return None
    maybe_swaps = [step for step, road in taken if road is None or isinstance(road, SlotSwapRoad)]
    unseen = [s.intended_at for s in maybe_swaps if s.acts > s.refused and s.phase is not StepPhase.DONE]
    return max((at for at in (*unseen, run.swap_sent_at) if at is not None), default=None)


def leased_until(run: Rollback) -> datetime | None:
    """Return until when somebody may still be carrying out a step, of this run or of the one that it still waits for.

    Ending a run takes no lease away: what its worker is just sending still arrives.
    """
    leases = [step.lease_until for step in run.steps if step.phase is StepPhase.INTENDED and step.lease_until]
    begun = any(step.started_at for step in run.steps)
    return max(leases if begun else [*leases, run.due_at], default=None)


def last_of(policy: Policy | None, run: Rollback, at: datetime) -> LastRollback:
    """Return what the next run must know of one that ended."""
    until = leased_until(run)
    return LastRollback(
        id=run.id,
        status=run.status,
        ended_at=at,
        swap_sent_at=swap_sent_at(policy, run),
        lease_until=until if until and until > at else None,
    )


def unread_rollback(rollback_id: str, workload: str, text: str, outcome: str, now: datetime) -> Rollback:
    """Return what takes the place of a record that cannot be read: a run that was cancelled, and what was found.

    Whatever nobody knows of it is empty; its level is 0.
    """
    found = StepRecord(
        name="record", phase=StepPhase.FAILED, note="it could not be read", evidence={"text": text[:_MOST_KEPT]}
    )
    instant = rollback_id.removeprefix(f"{workload}.")
    return Rollback(
        id=rollback_id,
        workload=workload,
        level=0,
        cause="",
        requested_by="",
        known_good="",
        created_at=datetime.strptime(instant, _INSTANT).replace(tzinfo=UTC),
        due_at=now,
        steps=(found,),
        status=RunStatus.CANCELLED,
        ended_at=now,
        outcome=outcome,
    )


def last_of_unread(run: Rollback, at: datetime) -> LastRollback:
    """Return what the next run must know of one that could not be read: it may have done anything until now."""
    return LastRollback(id=run.id, status=run.status, ended_at=at, swap_sent_at=at, lease_until=at + LEASE)


def known_of(policy: Policy, found: Snapshot) -> Known:
    """Return what a decision starts from."""
    return Known(
        state=found.watch,
        known_good=found.known_good,
        change=found.change,
        active_rollback=found.active_id,
        last_rollback=found.last,
        started=found.starts.moments,
        quarantine=found.quarantine,
        swaps_only=policy.swaps_only,
    )


def envelope_writes(policy: Policy, found: Snapshot, run: Rollback, bad_build: str) -> list[Write]:
    """Return the writes that put the bad build in quarantine and count an automatic start against the budget."""
    writes: list[Write] = []
    quarantine = found.quarantine.with_build(bad_build, Quarantined(since=run.created_at, rollback_id=run.id))
    if quarantine is not found.quarantine:
        writes.append(found.save(QUARANTINE, quarantine))
    if run.requested_by == BY_WATCH:
        starts = found.starts.with_one(run.created_at, run.workload, policy.guards.budget)
        writes.append(found.save(STARTS, starts))
    return writes
