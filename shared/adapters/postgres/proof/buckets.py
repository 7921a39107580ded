"""Proves that a table holds the same rows on both sides: sums of hashes over all of them, side by side.

Rows are summed in buckets of some dozens, or a thousand of a large table, which is read in parts that take some seconds
each; sums add up, as nobody writes meanwhile. Only bad buckets are read row by row, as key and hash that are compared
as bytes. What differs comes back as keys, to be copied again, and shown.
"""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from math import inf
from typing import Any

from psycopg import Connection
from psycopg.sql import SQL, Literal

from shared.adapters.postgres.proof.comparison import Comparison, begun
from shared.adapters.postgres.proof.progress import Kept, Lying, lying, named
from shared.adapters.postgres.server.fitting import misfits_named
from shared.adapters.postgres.server.hashing import Hash, hashed_rows
from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.side_by_side import Both
from shared.adapters.postgres.server.sql import column
from shared.errors import PermanentError
from shared.model.sync import MOST_ROWS_WITHOUT_KEY, ROW_HASH, SyncTable

__all__ = ["Compared", "Kept", "Proof"]


@dataclass(frozen=True, slots=True)
class Compared:
    """One table, compared.

    Attributes:
        rows: On the source, and on the target.
        digest: Sum of the hashes of all rows of the target, modulo 2^64.
        different: Keys that differ, as lines of COPY's text format.
    """

    rows: tuple[int, int]
    digest: int
    buckets: int
    different: Sequence[bytes] = ()

    @property
    def same(self) -> bool:
        return not self.different


class Proof:
    """Compares the tables of one source and one target."""

    def __init__(self, source: Connection[Rows], target: Connection[Rows], by: Hash, pool: Executor) -> None:
        """Take the two sides, which are asked at once.

        Args:
            pool: One thread of it is used.
        """
        self._both = Both(source, target, pool)
        self._by = by

    def compare(self, of: SyncTable) -> Compared:
        """Compare all rows of a table, however long that takes; nothing is kept of it.

        Raises:
            psycopg.Error: one side could not be read.
            PermanentError: it has no key, and more rows than can be compared then; or a value on the target is none of
                its column's type on the source.
        """
        compared = self.go_on(of, inf)
        assert compared is not None  # noqa: S101  # it ends before its time is over: tells the type checker
        return compared

    def go_on(self, of: SyncTable, until: float, kept: Kept | None = None) -> Compared | None:
        """Go on with the comparison of a table for about that long, but by one step at least.

        Args:
            kept: Where it is kept how far it is; when it has ended, it stays there until it is forgotten.

        Returns:
            `None` when it has not ended.
        """
        with misfits_named(self._both.target, of):
            return self._go_on(of, until, kept) if of.key else self._compare_counts(of)

    def _go_on(self, of: SyncTable, until: float, kept: Kept | None) -> Compared | None:
        name, sides = self._named(of, kept)
        progress = (kept.load(of, name) if kept else None) or begun(self._both, of, name, sides)
        if not Comparison(self._both, of, self._by, progress, kept).run(until):
            return None
        if self._named(of, kept)[0] != name:  # a table was written anew: parts of it were not those that they had been
            return self._go_on(of, until, kept)
        return Compared(progress.rows, progress.digest, progress.summed or 0, progress.different)

    def _named(self, of: SyncTable, kept: Kept | None) -> tuple[str, tuple[Lying, Lying]]:
        sides = lying(self._both.source, of.source_oid), lying(self._both.target, of.oid)
        return named(kept.label if kept else "", self._by, of, sides), sides

    def _compare_counts(self, of: SyncTable) -> Compared:
        """Compare rows without a key: how often each is there. What differs comes back as their hashes."""
        here, there = self._both.ask(lambda side, is_source: _counts(side, of, is_source=is_source))
        different = [b"%d\n" % row for row in sorted(here.keys() | there.keys()) if here.get(row) != there.get(row)]
        rows = (sum(here.values()), sum(there.values()))
        return Compared(rows, sum(row * count for row, count in there.items()) % 2**64, 1, different)


def _counts(side: Connection[Rows], of: SyncTable, *, is_source: bool) -> dict[int, int]:
    hashed = hashed_rows(of, of_source=is_source)
    asked = SQL("SELECT {0}, count(*) FROM (SELECT {0} FROM {1} AS t LIMIT {2}) AS few GROUP BY 1")
    found: list[Any] = side.execute(
        asked.format(column(ROW_HASH), hashed, Literal(MOST_ROWS_WITHOUT_KEY + 1))
    ).fetchall()
    counts = dict(found)
    if sum(counts.values()) > MOST_ROWS_WITHOUT_KEY:
        raise PermanentError(f"{of.name}: it has no key, and more than {MOST_ROWS_WITHOUT_KEY:,} rows")
    return counts
