"""Advisors of a database: queries that take most of its time, and indexes that cost more than they give.

They look at rows as Azure SQL's own views tell them, whoever read those. What an index did is counted from the last
start of the database on: an index of a monthly report looks unused for a month.
https://learn.microsoft.com/sql/relational-databases/performance/monitoring-performance-by-using-the-query-store
https://learn.microsoft.com/sql/relational-databases/system-dynamic-management-views/sys-dm-db-index-usage-stats-transact-sql
"""

from collections.abc import Sequence

from shared.model.sql_rows import ExpensiveQuery, IndexUse

MOST_QUERIES = 10
# A query that takes more than this share of the CPU of all that are listed is worth a look before any other.
_DOMINANT = 0.5
# An index that was changed fewer times costs too little to speak of.
_FEWEST_WRITES = 1_000
# Changed this many times as often as read, it costs more than it gives.
_RATHER_WRITTEN = 100


def most_expensive(rows: Sequence[ExpensiveQuery]) -> list[ExpensiveQuery]:
    """Return the ten queries that used the most CPU altogether, the most expensive first."""
    return sorted(rows, key=lambda row: (-row.cpu_ms, row.query_id))[:MOST_QUERIES]


def query_advice(rows: Sequence[ExpensiveQuery]) -> list[str]:
    """Return a sentence for the query that takes more than half of the CPU of the ten, if there is one."""
    listed = most_expensive(rows)
    whole = sum(row.cpu_ms for row in listed)
    if len(listed) < 2 or not whole or listed[0].cpu_ms <= _DOMINANT * whole:
        return []
    first = listed[0]
    return [
        f"query {first.query_id} takes {first.cpu_ms / whole:.0%} of the CPU of the {len(listed)} most expensive ones: "
        f"{first.cpu_ms / 1000:,.1f} s in {first.executions:,} executions of {first.duration_ms:,.0f} ms"
    ]


def costly_indexes(rows: Sequence[IndexUse]) -> list[IndexUse]:
    """Return the indexes that are kept up and never, or hardly ever, read; the largest first."""
    costly = (row for row in rows if row.writes >= _FEWEST_WRITES and row.writes > _RATHER_WRITTEN * row.reads)
    return sorted(costly, key=lambda row: (-row.size_mb, row.table, row.index))


def index_advice(rows: Sequence[IndexUse]) -> list[str]:
    """Return a sentence for each of the costly indexes."""
    return [_of_index(row) for row in costly_indexes(rows)]


def _of_index(row: IndexUse) -> str:
    read = f"read {row.reads:,} times" if row.reads else "never read"
    can_go = "it can go, unless it keeps values unique"
    return f"{row.index} of {row.table} ({row.size_mb:,.0f} MB) was changed {row.writes:,} times and {read}: {can_go}"
