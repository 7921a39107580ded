"""Data that goes back: rows of a database, from where they were written to where they came from."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

from shared.model.checkpoint import Begun, Watched
from shared.model.data_preview import DataPreview
from shared.model.policy_data import Database
from shared.model.sync import Finding
from shared.ports.traffic import Fence


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsPicture:
    """How far a way back is.

    Attributes:
        begun: Something was done by it.
        proved: All rows are the same on both sides as of now, and what the policy demands of them holds.
        why_not: Why it cannot go on; `None` means that it can.
        says: One sentence with rows, rate and time left.
        fenced: Writers are kept off the target by it.
        shown: The same as JSON values, for the receipt.
    """

    begun: bool
    proved: bool
    says: str
    why_not: str | None = None
    fenced: bool = False
    shown: Mapping[str, Any] = field(default_factory=dict)


class RowsBack(Protocol):
    """Takes rows back, in slices of a few seconds; what is done stays done, whoever does the next one."""

    def look(self, database: Database, sync_id: str) -> RowsPicture:
        """Read how far it is; changes nothing."""
        ...

    def work(
        self, database: Database, checkpoint_id: str, sync_id: str, fence: Fence, left_out: Collection[str] = ()
    ) -> None:
        """Do the next slice.

        Args:
            checkpoint_id: Where it goes back to; once it has begun, that stays as it was then.
            fence: Called right before the first thing is changed.
            left_out: What may stay behind as a whole, as a preview says it; that it may is kept.

        Raises:
            PermanentError: it cannot go on.
            TransientError: it may go on later.
        """
        ...

    def fenced_by(self, database: Database) -> str:
        """Return the id of the way back whose fence stands on the target; empty if there is none.

        The source is not asked: it may be down.
        """
        ...

    def let_go(self, database: Database, sync_id: str, fence: Fence) -> None:
        """Let writers in again on the target, if it is this way back that keeps them out; all that was captured stays.

        Raises:
            PermanentError, TransientError: as of `work`.
        """
        ...


class Checkpointing(Protocol):
    """Makes it possible that rows go back later, and looks whether it still is."""

    def preflight(self, database: Database) -> tuple[Finding, ...]:
        """Return what stands against a checkpoint, what would stay behind, and what is worth telling; changes nothing.

        Raises:
            TransientError, PermanentError: a side does not answer; it does not let us.
        """
        ...

    def begin(self, database: Database, checkpoint_id: str) -> Begun:
        """Capture what is written from now on, and take a checkpoint, unless that one was taken.

        Raises:
            TransientError, PermanentError: a side does not answer; it does not let us.
        """
        ...

    def watch(self, database: Database, checkpoint_id: str) -> Watched:
        """Look whether the checkpoint still holds; drain what is captured by a slot, drop images past their time."""
        ...

    def end(self, database: Database, checkpoint_id: str) -> None:
        """Capture no more, and drop images past their time: those of a rollback stay for as long as the policy says."""
        ...


class Previews(Protocol):
    """Says beforehand what going back would do."""

    def preview(self, name: str, database: Database, checkpoint_id: str, within: timedelta) -> DataPreview:
        """Return what it would do now; changes nothing.

        Args:
            name: That of the database in the policy.
            within: The longest that one statement may take.

        Raises:
            TransientError, PermanentError: a side does not answer; there is no such checkpoint.
        """
        ...
