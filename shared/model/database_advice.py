"""What the databases of a workload tell of themselves, and what people are advised to do about it."""

from dataclasses import dataclass
from datetime import datetime

from shared.model.sql_rows import ExpensiveQuery, IndexUse


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryCost:
    """What a query cost, without its text: that holds values of rows, which not every reader may see.

    Attributes:
        query_id: Its number in Query Store, where its text stands.
        executions: Since the beginning of the time that was asked for.
        cpu_ms: CPU of all executions together.
        duration_ms: Mean of an execution.
        logical_reads: Mean of an execution, in pages of 8 KiB.
    """

    query_id: int
    executions: int
    cpu_ms: float
    duration_ms: float
    logical_reads: float

    @classmethod
    def of(cls, row: ExpensiveQuery) -> "QueryCost":
        """Return the numbers of a query."""
        return cls(
            query_id=row.query_id,
            executions=row.executions,
            cpu_ms=row.cpu_ms,
            duration_ms=row.duration_ms,
            logical_reads=row.logical_reads,
        )


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
    queries: tuple[QueryCost, ...]
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
