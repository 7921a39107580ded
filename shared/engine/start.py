"""Starting a rollback: one commit that writes the run, claims the workload and records the event."""

from datetime import datetime

from shared.engine.levels import LEVELS
from shared.engine.records import ACTIVE, Active, announce, encode, run_key
from shared.model.event import Event, EventKind
from shared.model.policy import Policy
from shared.model.rollback import Rollback, StepRecord
from shared.ports import Insert, Write


def new_rollback(
    policy: Policy, *, level: int, known_good: str, cause: str, requested_by: str, trigger: str, now: datetime
) -> Rollback:
    """Return a run that has not begun. Its id names the workload and the instant; there is one at a time."""
    return Rollback(
        id=f"{policy.workload}.{now:%Y%m%dT%H%M%S%f}",
        workload=policy.workload,
        level=level,
        cause=cause,
        requested_by=requested_by,
        trigger=trigger,
        known_good=known_good,
        created_at=now,
        due_at=now,
        steps=tuple(StepRecord(name=name) for name in LEVELS[level]),
    )


def starting_writes(policy: Policy, run: Rollback) -> list[Write]:
    """Return the writes of the start. A second start loses the race for the `active` record."""
    event = Event(
        workload=run.workload,
        kind=EventKind.STARTED,
        at=run.created_at,
        sentence=f"level {run.level} rollback to build {run.known_good} started by {run.requested_by}: {run.cause}",
        about=run.id,
    )
    return [
        Insert(ACTIVE, encode(Active(run.id))),
        Insert(run_key(run.id), encode(run)),
        *announce(event, policy.notify),
    ]
