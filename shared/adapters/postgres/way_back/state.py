"""How far a way back is: one record on the source, written after every stage, so that any worker goes on from it."""

import logging
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from psycopg import Connection, Error, errors

from shared.adapters.postgres.capture.records import load_state, save_state
from shared.adapters.postgres.proof.split import Reading
from shared.adapters.postgres.server.session import Rows, sentence
from shared.clock import utc_now

log = logging.getLogger(__name__)


class Stage(StrEnum):
    """What is done next. An undone one goes on no more."""

    PREPARE = "prepare"
    FENCE = "fence"
    PIN = "pin"
    COPY = "copy"
    SETTLE = "settle"
    PROVE = "prove"
    JUDGE = "judge"
    DONE = "done"
    UNDONE = "undone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """One table, compared.

    Attributes:
        rows: On the source, and on the target.
        digest: Sum of the hashes of all rows, in hexadecimal digits.
        different: How many rows were not the same, besides those that stay as they are on the source.
    """

    rows: tuple[int, int]
    digest: str
    buckets: int
    different: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """How far a way back is.

    Attributes:
        checkpoint: Id of the checkpoint it goes back to.
        ahead: Writers go on, before the fence: what they write meanwhile is pinned and copied once more, behind it.
        behind: The tables that do not go ahead: nothing of them is pinned as of `since`.
        began_at: When its first slice was begun: how old one is that has changed no row yet.
        names: The tables it takes, by their number on the target.
        system: The target's system identifier, where `since` and `pinned_at` mean something.
        since: Snapshot of the target as of which all is pinned; empty for that of the checkpoint.
        pinned_at: Snapshot of the target when keys were pinned: after its writers were stopped, nothing may be written
            that it does not see.
        decided_at: Snapshot of the source; what it saw is decided where both sides were changed. Empty before that.
        decided: How often it was decided again since writers were stopped.
        searched: Tables that were compared, as the source holds a value in them that a row wants to take.
        held_again: All goes once more, as the source took a value again that its row had given up.
        shape: Of the tables and columns that go back, as a digest.
        followed: The foreign keys that were looked through since all was proved.
        following: How far the table of the next one is.
        left_out: What may stay behind as a whole, as a preview said it.
        round: Of the keys that are being copied.
        copied: The last round of which all is copied.
        proofs: How often all tables were compared since keys were pinned.
        proved: The tables that were compared in this round.
        different: How many of their rows were not the same.
        fence_s: How long writers were waited for.
        sequences: How far each one was moved on.
        references: How many foreign keys were checked.
        judged: What the policy's rules gave, by name.
        unexplained: How many rows are not the same although nobody wrote them, by table.
        not_told: Tables of which nobody can tell that, and why.
        comparing: How far the comparison of a large table is; empty between two tables.
        unseen: Tables whose rows may have been changed on the source without anybody knowing, and why.
        seconds: How long each stage took so far.
        why_not: Why it stopped; empty when it can go on.
    """

    stage: Stage = Stage.PREPARE
    checkpoint: str = ""
    ahead: bool = False
    behind: tuple[int, ...] = ()
    began_at: datetime = field(default_factory=utc_now)
    names: dict[int, str] = field(default_factory=dict)
    system: str = ""
    since: str = ""
    pinned_at: str = ""
    decided_at: str = ""
    decided: int = 0
    searched: tuple[int, ...] = ()
    held_again: bool = False
    shape: str = ""
    followed: tuple[str, ...] = ()
    following: Reading | None = None
    left_out: tuple[str, ...] = ()
    round: int = 1
    copied: int = 0
    proofs: int = 0
    proved: tuple[int, ...] = ()
    different: int = 0
    fence_s: float = 0.0
    sequences: dict[str, int] = field(default_factory=dict)
    references: int = 0
    rows: int = 0
    tables: dict[str, Proven] = field(default_factory=dict)
    judged: dict[str, str] = field(default_factory=dict)
    unseen: dict[str, str] = field(default_factory=dict)
    unexplained: dict[str, int] = field(default_factory=dict)
    not_told: dict[str, str] = field(default_factory=dict)
    comparing: str = ""
    seconds: dict[str, float] = field(default_factory=dict)
    said: str = ""
    why_not: str = ""

    @property
    def begun(self) -> bool:
        return self.stage is not Stage.PREPARE

    @property
    def doing(self) -> str:
        """What is done now, in a word or two."""
        return f"{self.stage} ahead of the fence" if self.ahead else self.stage.value


def stored_state(source: Connection[Rows], sync: str) -> State | None:
    """Return how far a way back is; `None` when nothing of it is there, not even where it would be kept."""
    try:
        return load_state(source, sync, State)
    except (errors.InvalidSchemaName, errors.UndefinedTable):
        return None


def snapshot_of(side: Connection[Rows]) -> str:
    """Return what a side sees as committed now, as `pg_snapshot` writes it."""
    row: Any = side.execute("SELECT pg_current_snapshot()::text").fetchone()
    return str(row[0])


def keep_reason(source: Connection[Rows], sync: str, checkpoint: str, why_not: str) -> None:
    """Keep why a way back stopped, where that can be kept: who looks is told without its being tried again."""
    try:
        state = stored_state(source, sync) or State(checkpoint=checkpoint)
        save_state(source, sync, replace(state, why_not=why_not))
    except Error as error:
        log.warning("the reason of %s could not be kept: %s", sync, sentence(error))
