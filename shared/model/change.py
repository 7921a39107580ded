"""A change in progress on a workload, and the known good that can be gone back to, both by identity.

What the change should do now is one word, `run`, `slow` or `pause`, and the sentence that says why.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum


class ChangeStatus(StrEnum):
    """Where a change stands."""

    ACTIVE = "active"
    SLOWED = "slowed"
    PAUSED = "paused"
    COMPLETED = "completed"
    ROLLED_BACK = "rolled_back"
    FAILED = "failed"


class Do(StrEnum):
    """What a change should do now."""

    RUN = "run"
    SLOW = "slow"
    PAUSE = "pause"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownGood:
    """The build to go back to. Never a position such as "the other slot"."""

    build: str
    recorded_at: datetime
    recorded_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """What the change of a workload should do now.

    Attributes:
        since: Since when it should; `None` when there has never been a change.
        change: Id of the change that this speaks of.
    """

    do: Do
    sentence: str
    since: datetime | None = None
    change: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the hook of a workload was last told. A greater `sequence` is newer, over all changes of the workload."""

    control: Control
    sequence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeError:
    """One error that a change reported."""

    at: datetime
    severity: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What a change reported of itself.

    Attributes:
        reported_at: When it last did.
        checkpoints: How many checkpoints with a confidence there were.
        confidence: That of the last one, 0 to 10.
        confidence_sum: Of all of them.
        counts: How many so far, by name: the greatest that was reported.
        errors: How many, by severity.
        last_errors: The last few, newest last.
    """

    reported_at: datetime | None = None
    checkpoints: int = 0
    confidence: float | None = None
    confidence_sum: float = 0.0
    counts: dict[str, int] = field(default_factory=dict)
    errors: dict[str, int] = field(default_factory=dict)
    last_errors: tuple[ChangeError, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A deployment, migration or rollout that is watched.

    Attributes:
        since: When it came to its status; `None` while it is as it was started.
        by: Who brought it there; who started it while it is as it was started.
        trigger: The trigger that holds it up; empty when a person does, or nobody.
        quiet_since: Since when that trigger has been heard and quiet without a break.
        overruled: Triggers that fired when a person let it go on; they hold nothing up before they were quiet.
        decided: Triggers that decided on this change, of those that do so once.
        told: What the hook was last told.
    """

    id: str
    kind: str
    build: str
    started_at: datetime
    status: ChangeStatus = ChangeStatus.ACTIVE
    sentence: str = ""
    since: datetime | None = None
    by: str = ""
    trigger: str = ""
    quiet_since: datetime | None = None
    overruled: tuple[str, ...] = ()
    decided: tuple[str, ...] = ()
    progress: Progress = field(default_factory=Progress)
    told: Told | None = None

    @property
    def in_progress(self) -> bool:
        """It has not come to an end; a pause is none."""
        return self.status in _IN_PROGRESS

    def moved(self, status: ChangeStatus, sentence: str, at: datetime, *, by: str, trigger: str = "") -> "Change":
        """Return the change in another status, or in the same one by somebody else's doing."""
        return replace(
            self, status=status, sentence=sentence, since=at, by=by, trigger=trigger, quiet_since=None, overruled=()
        )

    def __str__(self) -> str:
        return f"the {self.kind} of build {self.build}"


_IN_PROGRESS = frozenset({ChangeStatus.ACTIVE, ChangeStatus.SLOWED, ChangeStatus.PAUSED})
