"""A rollback: one durable run of a level's steps. The run and its step states are one record with one version."""

import re
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from shared.model.event import EventKind


class RunStatus(StrEnum):
    """How a run stands or ended."""

    RUNNING = "running"
    VERIFIED = "verified"
    PARTIAL = "partial"
    FAILED = "failed"
    REFUSED = "refused"

    @property
    def ended(self) -> bool:
        return self is not RunStatus.RUNNING

    @property
    def event(self) -> EventKind:
        """The event that tells of this end."""
        return EventKind(self.value)


class StepPhase(StrEnum):
    """How far a step is. `intended` is the doubtful one: the effect may or may not have happened."""

    PENDING = "pending"
    INTENDED = "intended"
    ACTED = "acted"
    DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRecord:
    """What is durably known about one step.

    Attributes:
        lease_until: Until then, whoever wrote the intent may still be acting; nobody else acts before.
        acts: How many times the effect was set in motion.
        operation: Token of a long-running operation that the effect started.
        before: The world as it was seen when the intent was written.
        evidence: What was seen, for the receipt and the next look; JSON values only.
        note: The latest thing worth telling about this step.
    """

    name: str
    phase: StepPhase = StepPhase.PENDING
    started_at: datetime | None = None
    intended_at: datetime | None = None
    lease_until: datetime | None = None
    acted_at: datetime | None = None
    ended_at: datetime | None = None
    acts: int = 0
    operation: str | None = None
    before: dict[str, Any] = field(default_factory=dict)
    evidence: dict[str, Any] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollback:
    """One run.

    Attributes:
        cause: The sentence of the decision, or the reason a person gave.
        requested_by: `watch`, or who asked by hand.
        known_good: Identity of the build that production must run.
        due_at: When the run wants to be rung again.
        outcome: The sentence it ended with.
    """

    id: str
    workload: str
    level: int
    cause: str
    requested_by: str
    known_good: str
    created_at: datetime
    due_at: datetime
    steps: tuple[StepRecord, ...]
    status: RunStatus = RunStatus.RUNNING
    trigger: str = ""
    ended_at: datetime | None = None
    outcome: str = ""

    @property
    def current(self) -> StepRecord:
        """The first step that is not done.

        Raises:
            StopIteration: all steps are done.
        """
        return next(step for step in self.steps if step.phase is not StepPhase.DONE)

    @property
    def all_done(self) -> bool:
        return all(step.phase is StepPhase.DONE for step in self.steps)

    def with_step(self, changed: StepRecord) -> "Rollback":
        """Return the run with the step of the same name replaced."""
        return replace(self, steps=tuple(changed if step.name == changed.name else step for step in self.steps))


@dataclass(frozen=True, slots=True, kw_only=True)
class LastRollback:
    """What the next decision must know of the last run that ended."""

    id: str
    status: RunStatus
    ended_at: datetime


_ROLLBACK_ID = re.compile(r"([a-z][a-z0-9-]{0,39})\.\d{8}T\d{12}", re.ASCII)


def workload_of(rollback_id: str) -> str | None:
    """Return the workload that a rollback id names, `<workload>.<instant>`; `None` when it is no such id."""
    found = _ROLLBACK_ID.fullmatch(rollback_id)
    return found[1] if found else None
