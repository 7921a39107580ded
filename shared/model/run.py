"""A rollback: one durable run of a level's steps. The run and its step states are one record with one version."""

import re
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from math import ceil
from typing import Any

from shared.model.event import EventKind
from shared.model.stage import Stage, StageOf


class RunKind(StrEnum):
    """What a run is for."""

    ROLLBACK = "rollback"
    PROMOTION = "promotion"
    DRILL = "drill"


class RunStatus(StrEnum):
    """How a run stands or ended."""

    RUNNING = "running"
    VERIFIED = "verified"
    PARTIAL = "partial"
    FAILED = "failed"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"

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
    PARTIAL = "partial"
    FAILED = "failed"
    REFUSED = "refused"

    @property
    def over(self) -> bool:
        """Nothing more is done in this step."""
        return self not in _OPEN


_OPEN = frozenset({StepPhase.PENDING, StepPhase.INTENDED, StepPhase.ACTED})


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRecord:
    """What is durably known about one step: a look, a road that is taken for a component, or a verification.

    Attributes:
        name: Unlike any other in its run: `look_before`, `take:<component>:<road>`, `verify:<round>`.
        late_at: When another road is begun beside this one.
        give_up_at: When this step has failed if it is not done.
        not_before: Until then it is left alone, however often other steps of the run are looked at.
        lease_until: Until then, whoever wrote the intent may still be acting; nobody else acts before.
        busy_at: When it was last refused because something else was under way there.
        acts: How many times the effect was set in motion, or may have been.
        refused: How many of these were refused: nothing happened.
        accepted: How many of these were accepted.
        operation: Token of a long-running operation that the effect started.
        before: The world as it was seen when the intent was written.
        evidence: What was seen, for the receipt and the next look; JSON values only.
        note: The latest thing worth telling about this step.
    """

    name: str
    component: str = ""
    road: str = ""
    phase: StepPhase = StepPhase.PENDING
    late_at: datetime | None = None
    give_up_at: datetime | None = None
    not_before: datetime | None = None
    started_at: datetime | None = None
    intended_at: datetime | None = None
    lease_until: datetime | None = None
    acted_at: datetime | None = None
    ended_at: datetime | None = None
    busy_at: datetime | None = None
    acts: int = 0
    refused: int = 0
    accepted: int = 0
    operation: str | None = None
    before: dict[str, Any] = field(default_factory=dict)
    evidence: dict[str, Any] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run: a rollback, a promotion or a drill.

    Attributes:
        level: That of a rollback or a drill; 0 of a promotion.
        cause: The sentence of the decision, or the reason a person gave.
        requested_by: `watch`, or who asked by hand.
        requested_by_id: The id of that caller; empty when nobody proved who they are.
        known_good: Identity of the build to go back to.
        promoted: Identity of the build that a promotion takes forward.
        stages: Those of a promotion, as the policy had them when it began.
        strategy: The plan of the policy by which the level is taken; empty for the level as it stands.
        undoes: The build that was being promoted when this rollback took the promotion's place; empty when none was.
        rehearses: The workload whose level it rehearses; empty when it is no drill.
        expected: How long each road is expected to take, at its 95th percentile, as was known at the start.
        swap_sent_at: When an earlier run sent a slot swap that it did not see the end of; it may still end.
        agreed: Digests of the previews of data that people saw and agreed to.
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
    expected: dict[str, timedelta] = field(default_factory=dict)
    swap_sent_at: datetime | None = None
    kind: RunKind = RunKind.ROLLBACK
    promoted: str = ""
    stages: tuple[StageOf, ...] = ()
    rehearses: str = ""
    undoes: str = ""
    requested_by_id: str = ""
    strategy: str = ""
    agreed: tuple[str, ...] = ()
    status: RunStatus = RunStatus.RUNNING
    trigger: str = ""
    ended_at: datetime | None = None
    outcome: str = ""

    @property
    def build(self) -> str:
        """The build that production must run when it is verified."""
        return self.promoted or self.known_good

    @property
    def slot(self) -> str:
        """The slot that a promotion swaps with production; empty when it swaps nothing."""
        roads = [stage.road for stage in self.stages if stage.kind is Stage.SWAP]
        return roads[0].removeprefix(f"{Stage.SWAP}:") if roads else ""

    @property
    def rank(self) -> int:
        """A run takes the place of one of a lower rank; nothing else may run beside it."""
        return self.level if self.kind is RunKind.ROLLBACK else 0

    @property
    def has_acted(self) -> bool:
        """Something was set in motion, or may have been."""
        return any(step.acts > step.refused for step in self.steps)

    def step(self, name: str) -> StepRecord:
        """Return the step of that name.

        Raises:
            StopIteration: there is none.
        """
        return next(step for step in self.steps if step.name == name)

    def stage(self, record: StepRecord) -> StageOf:
        """Return the stage of a promotion that a step is of.

        Raises:
            StopIteration: it is of none.
        """
        return next(stage for stage in self.stages if stage.name == record.name)

    def with_step(self, changed: StepRecord) -> "Run":
        """Return the run with the step of the same name replaced."""
        return replace(self, steps=tuple(changed if step.name == changed.name else step for step in self.steps))


@dataclass(frozen=True, slots=True, kw_only=True)
class LastRollback:
    """What the next decision must know of the last rollback that ended, and the next run of the last run of any kind.

    Attributes:
        id: Of the rollback, as are its status and its end; nothing when only promotions and drills have ended yet.
        swap_sent_at: When the last run, or one before it, sent a slot swap of which nobody saw the end.
        lease_until: Until then, whoever was carrying out a step of the last run as it ended may still be acting.
    """

    id: str = ""
    status: RunStatus | None = None
    ended_at: datetime | None = None
    swap_sent_at: datetime | None = None
    lease_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WouldHave:
    """A rollback that observe-only mode kept from starting: what it would have been.

    Attributes:
        roads: The roads of each component, with how long each is expected to take.
    """

    at: datetime
    level: int
    cause: str
    known_good: str
    bad_build: str
    roads: dict[str, dict[str, timedelta]]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoadTimes:
    """How long each road took, from its first look until the outside saw it: the newest last."""

    took: dict[str, tuple[timedelta, ...]] = field(default_factory=dict)

    def with_time(self, road: str, took: timedelta) -> "RoadTimes":
        return RoadTimes(took={**self.took, road: (*self.took.get(road, ()), took)[-_TIMES_KEPT:]})

    def p95(self, road: str, prior: timedelta) -> timedelta:
        """Return the 95th percentile by nearest rank (Hyndman and Fan, 1996, definition 1).

        Args:
            road: Name of the road.
            prior: What its policy expects; it counts as one more time until there are enough measured ones.
        """
        measured = self.took.get(road, ())
        times = sorted(measured if len(measured) >= _TIMES_KEPT else (*measured, prior))
        return times[ceil(0.95 * len(times)) - 1]


# Who asks for automatic rollbacks.
BY_WATCH = "watch"
_TIMES_KEPT = 20
_ROLLBACK_ID = re.compile(r"([a-z][a-z0-9-]{0,39})\.\d{8}T\d{12}", re.ASCII)


def workload_of(rollback_id: str) -> str | None:
    """Return the workload that a rollback id names, `<workload>.<instant>`; `None` when it is no such id."""
    found = _ROLLBACK_ID.fullmatch(rollback_id)
    return found[1] if found else None
