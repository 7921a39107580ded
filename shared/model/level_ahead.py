"""What a level would do to the rows of databases, and how it would begin."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from shared.model.data_preview import DataPreview


class Begins(StrEnum):
    """How a level would begin, as far as its data goes."""

    BY_ITSELF = "by_itself"
    ASKS = "asks"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseAhead:
    """One database: what would become of its rows, or why nobody can tell.

    Attributes:
        says: One sentence with numbers.
        digest: What an approval is bound to; empty when there is no preview.
        why_not: Why its rows would not go back now.
        behind: What would stay behind, in words.
        noted: What the two catalogues say besides.
        preview: All of it; `None` when nobody can tell.
    """

    database: str
    says: str
    digest: str = ""
    why_not: str | None = None
    lost: int = 0
    behind: tuple[str, ...] = ()
    noted: tuple[str, ...] = ()
    preview: DataPreview | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelAhead:
    """A level, as it would be taken now.

    Attributes:
        fits: The rows are expected to be back within the level's budget; `None` when nobody can tell.
    """

    workload: str
    level: int
    begins: Begins
    says: str
    budget: timedelta
    takes: timedelta | None
    fits: bool | None
    databases: tuple[DatabaseAhead, ...]
