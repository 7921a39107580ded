"""What the API answers, for whoever reads the OpenAPI document, and for the use cases that have no type of their own.

Views are written by the engine as JSON; here are those of their fields that are promised. There may be more.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict

from shared.decision.checkpoints import what_to_do
from shared.model.ask import AskStatus
from shared.model.change import Change
from shared.model.checkpoint import Checkpoints, DatabaseCheckpoint
from shared.model.run import RunKind, RunStatus


@dataclass(frozen=True, slots=True)
class Problem:
    """Why it was not done (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str


@dataclass(frozen=True, slots=True)
class Taken:
    """What was taken in, in one sentence."""

    detail: str


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A run that was started, or is asked for: then it begins once it is approved. `url` shows how far it is."""

    id: str
    status: RunStatus | Literal["asked"]
    url: str


@dataclass(frozen=True, slots=True)
class RunCancelled:
    """A run that was ended, and what it did that stays; or a question that was taken back."""

    id: str
    status: RunStatus | AskStatus
    outcome: str


@dataclass(frozen=True, slots=True)
class QuestionAnswered:
    """What became of an answer to a question; `url` shows the question, or the run that it began."""

    id: str
    status: AskStatus
    says: str
    url: str


@dataclass(frozen=True, slots=True)
class CommandObeyed:
    """What became of a command, and the change as it is now."""

    sentence: str
    change: Change


@dataclass(frozen=True, slots=True)
class CheckpointsView:
    """The checkpoints of a workload's databases, and all of it in one sentence."""

    says: str
    databases: tuple[DatabaseCheckpoint, ...]

    @classmethod
    def of(cls, found: Checkpoints, *, asked: bool = False) -> Self:
        """Put it together.

        Args:
            asked: Somebody wants checkpoints to be taken: he is told what to do where that takes nothing.
        """
        databases = tuple(found.by_database.values())
        warned = [one.warning for one in databases if one.warning]
        advised = [what for one in databases if asked and (what := what_to_do(one)) is not None]
        said = "; ".join([*(one.sentence for one in databases), *warned, *advised])
        return cls(said or "no change is in progress that has databases", databases)


@dataclass(frozen=True, slots=True)
class Alive:
    """The app runs."""

    status: str


@dataclass(frozen=True, slots=True)
class Turned:
    """What became of a turn of the fleet's switch, and whose people could not be told."""

    says: str
    untold: tuple[str, ...]


class _View(BaseModel):
    model_config = ConfigDict(extra="allow")


class WorkloadLine(_View):
    """A workload in one line."""

    name: str
    verdict: str
    sentence: str
    since: datetime
    cycled_at: datetime
    active_rollback: str | None


class WorkloadsView(_View):
    """Every workload, and the pause that holds for all of them."""

    paused: dict[str, Any] | None
    workloads: list[WorkloadLine]


class WorkloadView(WorkloadLine):
    """A workload: its triggers with their clocks, newest samples, delays, change, known good, history."""

    production_build: str
    known_good: dict[str, Any] | None
    change: dict[str, Any] | None
    last_rollback: dict[str, Any] | None
    triggers: list[dict[str, Any]]
    signals: dict[str, dict[str, Any] | None]
    delays: dict[str, dict[str, Any]]
    events: list[dict[str, Any]]


class RollbackView(_View):
    """A run: its steps, timings and evidence."""

    id: str
    kind: RunKind
    workload: str
    level: int
    strategy: str
    promoted: str
    rehearses: str
    status: RunStatus
    cause: str
    requested_by: str
    created_at: datetime
    ended_at: datetime | None
    outcome: str
    steps: list[dict[str, Any]]
    events: list[dict[str, Any]]


class AskView(_View):
    """What is asked: what would be done, why, how long it waits, and the digest to approve it with."""

    id: str
    workload: str
    status: AskStatus
    sentence: str
    digest: str
    level: int
    build: str
    cause: str
    requested_by: str
    asked_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    quorum: int
    missing: int
    waiting: str
    approvals: list[dict[str, Any]]


class ReceiptView(_View):
    """A receipt as it was signed, and the signature, if there is a key to sign with."""

    receipt: dict[str, Any]
    signature: dict[str, str] | None


class FleetView(_View):
    """The pause switch, the budget of all workloads, and what was used of it."""

    paused: dict[str, Any] | None
    budget: str
    started: list[dict[str, Any]]
    events: list[dict[str, Any]]


class MetricsAnswer(_View):
    """A range of time: newest values by signal, points for charts, what fired, insights, how the workload stands."""

    range: dict[str, Any]
    current: dict[str, dict[str, Any]]
    historical: dict[str, Any]
    alerts: list[dict[str, Any]]
    insights: dict[str, Any]
    status: dict[str, Any]


class HealthCheck(_View):
    """One check."""

    name: str
    ok: bool
    says: str


class HealthView(_View):
    """Whether the app can do its work."""

    status: str
    at: datetime
    checks: list[HealthCheck]
