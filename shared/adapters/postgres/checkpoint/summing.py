"""Sums the rows of tables at the start of a change, as far as that is cheap: the sums are evidence, nothing needs them.

A transaction keeps a lock on every table that it has read, and on each of its indexes, and the room for locks is
everybody's: some thousands of tables are all of it, and then writers fail. So each table is read within a savepoint
that is rolled back: its locks go with it, and the transaction's snapshot stays.
https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-TABLES
https://www.postgresql.org/docs/current/runtime-config-locks.html
"""

from collections.abc import Iterator
from dataclasses import dataclass
from time import monotonic
from typing import Any

import psycopg
from psycopg import Connection, errors
from psycopg.sql import SQL, Composed, Literal

from shared.adapters.postgres.server.hashing import row_hash
from shared.adapters.postgres.server.session import Rows, at_once, sentence
from shared.adapters.postgres.server.sides import Sides
from shared.adapters.postgres.server.sql import table
from shared.model.sync import SyncTable
from shared.model.tables import TableName

# At 0.4 to 0.9 million rows a second, some seconds. Of larger tables the planner's estimate is kept, and the first sum
# of all rows is the proof.
_ROWS, _BYTES = 3_000_000, 3 << 30
_BYTES_A_ROW = 100
# A statement locks all of them at once.
_PARTITIONS = 500
# Sizes on disk do not tell how long it takes: large values are compressed there.
_WITHIN_S = 30.0
_LIMIT = "SELECT setting::int8 FROM pg_settings WHERE name = 'statement_timeout'"
_BEGIN = SQL("SAVEPOINT summing; SET LOCAL statement_timeout = {}")
_ASKED = SQL("SELECT count(*), coalesce(sum({}), 0) FROM {} AS t")
_END = SQL("ROLLBACK TO summing; RELEASE summing")
# It took too long, somebody alters the table, a row is too large, or holds what cannot be read as on the source.
_NO_SUM = (
    errors.QueryCanceled,
    errors.LockNotAvailable,
    errors.OutOfMemory,
    errors.ProgramLimitExceeded,
    errors.DataError,
)


@dataclass(frozen=True, slots=True)
class Sum:
    """The rows of one table, or why they were not summed."""

    rows: int = 0
    digest: str | None = None
    took_s: float = 0.0
    why_not: str = ""


def sums_of(sides: Sides, *, of_source: bool) -> dict[TableName, Sum]:
    """Sum tables of a side within its open transaction, the smallest first, as long as there is time for it."""
    side = sides.source if of_source else sides.target
    limit: Any = side.execute(_LIMIT).fetchone()
    limit_s = limit[0] / 1000 or _WITHIN_S
    until = monotonic() + _WITHIN_S
    found = {}
    for of, too_large in _by_size(sides):
        left_s = min(limit_s, until - monotonic())
        why_not = too_large or ("others took all the time that there was" if left_s <= 0 else "")
        found[of.name] = Sum(why_not=why_not) if why_not else _sum(side, sides, of, left_s, of_source=of_source)
    return found


def _by_size(sides: Sides) -> Iterator[tuple[SyncTable, str]]:
    """Yield all tables, the smallest first, and why it cannot be summed."""
    rows = size = 0
    for of in sorted(sides.plan.tables, key=lambda of: (_rows(sides, of), of.place)):
        rows, size = rows + _rows(sides, of), size + sides.there.tables[of.name].bytes
        too_large = "too many rows" if rows > _ROWS else "too large" if size > _BYTES else ""
        yield of, too_large or (f"{len(of.leaves):,} partitions" if len(of.leaves) > _PARTITIONS else "")


def _rows(sides: Sides, of: SyncTable) -> int:
    """A table that was never analysed has no estimate but its size."""
    return of.rows or sides.there.tables[of.name].bytes // _BYTES_A_ROW


def _sum(side: Connection[Rows], sides: Sides, of: SyncTable, within_s: float, *, of_source: bool) -> Sum:
    began = monotonic()
    hashed = row_hash(sides.by, of.columns, "t", of_source=of_source)
    try:
        rows, total = _apart(side, _ASKED.format(hashed, table(of.name)), within_s)
    except _NO_SUM as error:
        side.execute(_END)
        return Sum(why_not=_why_not(of, error, within_s))
    return Sum(rows, f"{int(total) % 2**64:016x}", monotonic() - began)


def _apart(side: Connection[Rows], asked: Composed, within_s: float) -> Any:
    within = Literal(max(1, round(within_s * 1000)))
    answers = at_once(side, [_BEGIN.format(within), asked, _END])
    while not answers.description:
        answers.nextset()
    return answers.fetchone()


def _why_not(of: SyncTable, error: psycopg.Error, within_s: float) -> str:
    if isinstance(error, errors.QueryCanceled):
        return f"it took longer than {within_s:.3g} s"
    odd = ", ".join(one.name for one in of.columns if not one.same)
    if isinstance(error, errors.DataError) and odd:
        return f"not every value is one of its type on the source, in {odd}"
    return sentence(error)
