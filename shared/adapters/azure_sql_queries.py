"""What is asked of an Azure SQL database, and how its rows are read. Nothing of a policy is pasted into a query.

sys.dm_db_resource_stats has a row for each 15 s of the last hour, in UTC and with times of no zone:
https://learn.microsoft.com/sql/relational-databases/system-dynamic-management-views/sys-dm-db-resource-stats-azure-sql-database
https://learn.microsoft.com/sql/relational-databases/performance/monitoring-performance-by-using-the-query-store
https://learn.microsoft.com/sql/relational-databases/system-dynamic-management-views/sys-dm-db-index-usage-stats-transact-sql
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from shared.errors import PermanentError
from shared.model.quantity import number_in
from shared.model.sql_rows import ExpensiveQuery, IndexUse, ResourceUse

RESOURCE_USE = """\
SELECT end_time, avg_cpu_percent, avg_data_io_percent, avg_log_write_percent, avg_memory_usage_percent
FROM sys.dm_db_resource_stats WHERE end_time > ? ORDER BY end_time"""
CONNECTIONS = "SELECT SYSUTCDATETIME(), COUNT_BIG(*) FROM sys.dm_exec_sessions WHERE is_user_process = 1"
STORAGE = """\
SELECT SYSUTCDATETIME(), SUM(CAST(FILEPROPERTY(name, 'SpaceUsed') AS bigint)) * 8192.0 / 1073741824.0
FROM sys.database_files WHERE type_desc = 'ROWS'"""
EXPENSIVE_QUERIES = """\
SELECT TOP (10) p.query_id, SUM(s.count_executions),
  SUM(s.avg_cpu_time * s.count_executions) / 1000.0,
  SUM(s.avg_duration * s.count_executions) / NULLIF(SUM(s.count_executions), 0) / 1000.0,
  SUM(s.avg_logical_io_reads * s.count_executions) / NULLIF(SUM(s.count_executions), 0)
FROM sys.query_store_runtime_stats AS s
JOIN sys.query_store_runtime_stats_interval AS i ON i.runtime_stats_interval_id = s.runtime_stats_interval_id
JOIN sys.query_store_plan AS p ON p.plan_id = s.plan_id
WHERE i.start_time > ? GROUP BY p.query_id ORDER BY 3 DESC"""
INDEX_USE = """\
SELECT TOP (100) OBJECT_SCHEMA_NAME(i.object_id) + '.' + OBJECT_NAME(i.object_id), i.name,
  ISNULL(u.user_seeks, 0) + ISNULL(u.user_scans, 0) + ISNULL(u.user_lookups, 0), ISNULL(u.user_updates, 0),
  (SELECT SUM(used_page_count) FROM sys.dm_db_partition_stats AS p
   WHERE p.object_id = i.object_id AND p.index_id = i.index_id) * 8.0 / 1024.0
FROM sys.indexes AS i
LEFT JOIN sys.dm_db_index_usage_stats AS u
  ON u.object_id = i.object_id AND u.index_id = i.index_id AND u.database_id = DB_ID()
WHERE i.index_id > 0 AND OBJECTPROPERTY(i.object_id, 'IsUserTable') = 1
ORDER BY 5 DESC"""
_LONGEST_NAME = 200

Row = Sequence[Any]


def resource_use(row: Row) -> ResourceUse:
    """Read a row of `RESOURCE_USE`.

    Raises:
        PermanentError: it has another shape.
    """
    at, *percents = _of(row, 5)
    shares = [_number(percent) / 100 for percent in percents]
    return ResourceUse(at=moment(at), cpu=shares[0], data_io=shares[1], log_write=shares[2], memory=shares[3])


def value_now(row: Row) -> tuple[datetime, float]:
    """Read a row of `CONNECTIONS` or `STORAGE`: when, by the server's clock, and how much.

    Raises:
        PermanentError: it has another shape.
    """
    at, value = _of(row, 2)
    return moment(at), _number(value)


def expensive_query(row: Row) -> ExpensiveQuery:
    """Read a row of `EXPENSIVE_QUERIES`.

    Raises:
        PermanentError: it has another shape.
    """
    query_id, executions, cpu_ms, duration_ms, reads = _of(row, 5)
    return ExpensiveQuery(
        query_id=round(_number(query_id)),
        executions=round(_number(executions)),
        cpu_ms=_number(cpu_ms),
        duration_ms=_number(duration_ms),
        logical_reads=_number(reads),
    )


def index_use(row: Row) -> IndexUse:
    """Read a row of `INDEX_USE`.

    Raises:
        PermanentError: it has another shape.
    """
    table, index, reads, writes, size_mb = _of(row, 5)
    return IndexUse(
        table=str(table)[:_LONGEST_NAME],
        index=str(index)[:_LONGEST_NAME],
        reads=round(_number(reads)),
        writes=round(_number(writes)),
        size_mb=_number(size_mb if size_mb is not None else 0),
    )


def moment(at: Any) -> datetime:
    """Return a time of the server, which is UTC and says no zone.

    Raises:
        PermanentError: it is none.
    """
    if not isinstance(at, datetime):
        raise PermanentError(f"the database answered {type(at).__name__} for a time")
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _of(row: Row, columns: int) -> Row:
    if len(row) != columns:
        raise PermanentError(f"the database answered {len(row)} columns; expected {columns}")
    return row


def _number(value: Any) -> float:
    number = number_in(str(value)) if value is not None and not isinstance(value, bool) else None
    if number is None:
        raise PermanentError("the database answered what is no number")
    return number
