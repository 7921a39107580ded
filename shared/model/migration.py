"""Migrations of a database: scripts that are one transaction, what must hold after them, and the point before them."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A file `NNN_name.sql`.

    Attributes:
        sha256: Of its text, whichever way its lines end.
        undo: What takes it back, of `NNN_name.undo.sql`.
    """

    name: str
    text: str
    sha256: str
    undo: "Script | None" = None

    @property
    def number(self) -> int:
        return int(self.name.partition("_")[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """A script that a database has taken.

    Attributes:
        restore_point: Name of the point before it.
        validated: What must hold was seen to hold after the commit.
    """

    name: str
    sha256: str
    restore_point: str
    validated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RestorePoint:
    """A moment of a database that can be gone back to, with what a restore of it needs.

    Attributes:
        lsn: Place in the write-ahead log; only good on its timeline.
        system: Identifier of the server.
        exact: It is in the log under its name; else a restore goes by its time.
        held: The validations that held at it, by name.
    """

    name: str
    at: datetime
    lsn: str
    timeline: int
    system: str
    exact: bool
    held: tuple[str, ...] = ()

    def __str__(self) -> str:
        by = f"the name {self.name}" if self.exact else f"its time {self.at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
        return f"restore point {self.name} (restore by {by}, at {self.lsn} of timeline {self.timeline})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a validation came to.

    Attributes:
        got: The value, cut short; or why there is none.
        passing: It could not be asked now, and may well hold.
    """

    name: str
    holds: bool
    expected: str
    got: str
    passing: bool = False

    def __str__(self) -> str:
        return f"{self.name}: expected {self.expected}, got {self.got}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """A lock on a table that was there before the scripts.

    Attributes:
        holds_up: Who waits for it.
        held_s: From the first script that held it until right before the end.
    """

    table: str
    mode: str
    holds_up: str
    held_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long things may take.

    Attributes:
        statement: One statement of a script.
        lock: One wait for a lock; at most half the server's `deadlock_timeout`.
        tries: How often the whole transaction is begun while a lock is not free.
        pause: Between two tries, in which writers go on.
        settle: Between the commit and the validation after it.
        find_again: How long a lost server is looked for.
    """

    statement: timedelta = timedelta(minutes=5)
    lock: timedelta = timedelta(seconds=2)
    tries: int = 20
    pause: timedelta = timedelta(seconds=1)
    settle: timedelta = timedelta(0)
    find_again: timedelta = timedelta(seconds=60)


class MigrationStatus(StrEnum):
    """How a migration ended.

    `committed` also if nothing was left to do; `rehearsed` was rolled back as it should be. After `rolled_back` nothing
    is left of it; `undone` was committed and then taken back. `needs_people` is all else.
    """

    COMMITTED = "committed"
    REHEARSED = "rehearsed"
    ROLLED_BACK = "rolled_back"
    UNDONE = "undone"
    NEEDS_PEOPLE = "needs_people"


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationOutcome:
    """How a migration ended, and why.

    Attributes:
        scripts: Seconds by the scripts that ran to their end, in their order.
        tries: How often the transaction was begun.
        waited_s: How long it took until it was begun for the last time.
        locks: What was locked on tables, the strongest mode of each.
    """

    status: MigrationStatus
    says: str
    restore_point: RestorePoint | None = None
    scripts: dict[str, float] = field(default_factory=dict)
    tries: int = 0
    waited_s: float = 0.0
    locks: tuple[Lock, ...] = ()
    verdicts: tuple[Verdict, ...] = ()


class Progress(Protocol):
    """Hears how far a migration is."""

    def begin(self, script: str, place: int, of: int) -> None:
        """A script begins."""
        ...

    def end(self, script: str, took_s: float) -> None:
        """A script ended; the transaction has not."""
        ...

    def say(self, sentence: str) -> None:
        """Something else happened."""
        ...
