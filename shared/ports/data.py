"""Data that goes back: rows of a database, from where they were written to where they came from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from shared.model.policy_data import Database
from shared.ports.traffic import Fence


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsPicture:
    """How far a way back is.

    Attributes:
        proved: All rows are the same on both sides, and what the policy demands of them holds.
        why_not: Why it cannot go on; `None` means that it can.
        says: One sentence with rows, rate and time left.
        shown: The same as JSON values, for the receipt.
    """

    proved: bool
    says: str
    why_not: str | None = None
    shown: Mapping[str, Any] = field(default_factory=dict)


class RowsBack(Protocol):
    """Takes rows back, in slices of a few seconds; what is done stays done, whoever does the next one."""

    def look(self, database: Database, checkpoint_id: str, sync_id: str) -> RowsPicture:
        """Read how far it is; changes nothing."""
        ...

    def work(self, database: Database, checkpoint_id: str, sync_id: str, fence: Fence) -> None:
        """Do the next slice.

        Args:
            fence: Called right before the first thing is changed.

        Raises:
            PermanentError: it cannot go on.
            TransientError: it may go on later.
        """
        ...
