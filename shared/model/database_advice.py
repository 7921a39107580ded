"""What the databases of a workload tell of themselves, and what people are advised to do about it."""

from dataclasses import dataclass
from datetime import datetime

from shared.model.sql_rows import ExpensiveQuery, IndexUse


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseAdvice:
    """One database.

    Attributes:
        place: Server, port and name.
        queries: Those that used the most CPU, the most expensive first; at most ten.
        indexes: Those that advice is given on, the largest first.
        advice: One sentence each, with the numbers that caused it.
        problem: Why some or all of it is not known; `None` when the database told everything.
    """

    place: str
    queries: tuple[ExpensiveQuery, ...]
    indexes: tuple[IndexUse, ...]
    advice: tuple[str, ...]
    problem: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadAdvice:
    """All databases of a workload.

    Attributes:
        says: All of it in one sentence; why there is nothing, where there is nothing.
        since: From when on queries are counted.
    """

    workload: str
    says: str
    since: datetime
    databases: tuple[DatabaseAdvice, ...]
