"""Rows that an Azure SQL database tells of itself, for whoever gives advice on them."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceUse:
    """What a database used in one interval of 15 s, each a share of what it was given, 0..1.

    Attributes:
        at: The end of the interval.
    """

    at: datetime
    cpu: float
    data_io: float
    log_write: float
    memory: float

    @property
    def dtu(self) -> float:
        """The share of its DTUs that was used: the largest of three.

        https://learn.microsoft.com/azure/azure-sql/database/service-tiers-dtu#determine-dtu-utilization
        """
        return max(self.cpu, self.data_io, self.log_write)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpensiveQuery:
    """One of the queries that used the most CPU, as Query Store remembers it.

    Its text is not read: that holds values of rows, which not everybody may see.

    Attributes:
        query_id: Its number in Query Store, where its text stands.
        executions: In the interval that was asked for.
        cpu_ms: CPU of all executions together.
        duration_ms: Mean of an execution.
        logical_reads: Mean of an execution, in pages of 8 KiB.
    """

    query_id: int
    executions: int
    cpu_ms: float
    duration_ms: float
    logical_reads: float


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexUse:
    """How an index was used since the database was last started.

    Attributes:
        table: With its schema, such as `dbo.orders`.
        reads: Seeks, scans and lookups of users.
        writes: Updates that had to keep it.
        size_mb: What it takes.
    """

    table: str
    index: str
    reads: int
    writes: int
    size_mb: float
