"""Checkpoints of a workload's databases: whether rows that are written from a change on could go back."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from shared.model.data_preview import DataPreview
from shared.model.sync import Finding


class CheckpointStatus(StrEnum):
    """How a checkpoint stands.

    `wanted` is not taken yet, `refused` could not be: what stands against it is named. Of one that is `lost` nobody
    knows any more what was written since: that is blind, and not "nothing". `ended` is not watched any more.
    """

    WANTED = "wanted"
    TAKEN = "taken"
    REFUSED = "refused"
    LOST = "lost"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """What became of taking a checkpoint.

    Attributes:
        taken_at: `None` when something stands against going back later: then nothing was changed.
        findings: What stands against it, what would stay behind, and what is worth telling.
    """

    taken_at: datetime | None
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What is known of a checkpoint now.

    Attributes:
        lost: Why nobody knows any more what was written since; `None` means that it is known.
        keys: How many written keys are in the log.
        warning: Why it may be lost soon, or costs the server more than it should; `None` if nothing says so.
        gone: It was ended by hand: there is nothing of it on either side.
    """

    lost: str | None
    keys: int
    warning: str | None = None
    gone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """What is kept of a preview.

    Attributes:
        digest: What people agree to.
        lost: How many rows and values would stay behind; `behind` names them, and what is decided between two sides.
        changes: How many rows of the source would be changed.
        why_not: Why it could not begin.
        takes: How long going back is expected to take.
        cost: How long the preview itself took.
        left_out: What stays behind as a whole, or is not known at all, as it says it.
    """

    at: datetime
    digest: str
    says: str
    lost: int
    why_not: str | None
    takes: timedelta
    cost: timedelta
    changes: int = 0
    behind: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @classmethod
    def of(cls, preview: DataPreview, cost: timedelta) -> "Foreseen":
        return cls(
            at=preview.at,
            digest=preview.digest,
            says=str(preview),
            lost=preview.lost,
            why_not=preview.why_not,
            takes=preview.takes,
            cost=cost,
            changes=preview.changes,
            behind=preview.behind,
            left_out=preview.left_out,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseCheckpoint:
    """The checkpoint of one database, taken when a change began.

    Attributes:
        id: That of the change.
        since: Since when it has been as it is.
        sentence: How it is, and why.
        findings: What stays behind, or stands against it, by name.
        keys: How many written keys the log held when it was last looked at.
        looked_at: When that was.
        warning: What may lose it soon, or costs a server more than it should.
        foreseen: What going back to it would do; `None` before that was looked at.
        earlier: What those of earlier changes are called in the databases that are ended together with this one.
        place: Names where its target is, also when the policy calls the database by another name by now.
    """

    database: str
    id: str
    status: CheckpointStatus
    since: datetime
    sentence: str
    taken_at: datetime | None = None
    findings: tuple[Finding, ...] = ()
    keys: int = 0
    looked_at: datetime | None = None
    warning: str = ""
    foreseen: Foreseen | None = None
    earlier: tuple[str, ...] = ()
    place: str = ""

    @property
    def key(self) -> str:
        """What it is called in the databases: two entries of a policy may lie on one server."""
        return held_as(self.id, self.database)

    @property
    def stands(self) -> bool:
        """Rows can go back to it: what was written since is known, or all rows are compared."""
        return self.status in (CheckpointStatus.TAKEN, CheckpointStatus.LOST)

    @property
    def left(self) -> bool:
        """Something of it may be in the databases. What was refused for what was found changed nothing."""
        refused = self.status is CheckpointStatus.REFUSED and bool(self.findings)
        return bool(self.earlier) or not (refused or self.status is CheckpointStatus.ENDED)


def held_as(of: str, database: str) -> str:
    """Return what a checkpoint of a change, or the way back of a run, is called in the databases."""
    return f"{of}:{database}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoints:
    """Those of all databases of a workload, by name."""

    by_database: dict[str, DatabaseCheckpoint] = field(default_factory=dict)
