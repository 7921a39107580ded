"""Proves that a table holds the same rows on both sides: sums of hashes over all of them, side by side.

Rows are summed in buckets of about a thousand: by ranges of a key of whole numbers, which finds the rows of a bad
bucket by index; by a hash of any other key. Only bad buckets are read row by row, as lines of key and hash that are
compared as bytes. What differs comes back as keys, to be copied again, and shown.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import batched
from typing import Any, Protocol

from psycopg import Connection
from psycopg.sql import SQL, Composable, Composed, Literal

from shared.adapters.postgres.hashing import Hash, hashed_rows, row_hash
from shared.adapters.postgres.session import Rows
from shared.adapters.postgres.sql import column, columns, table
from shared.errors import PermanentError
from shared.model.sync import MOST_ROWS_WITHOUT_KEY, ROW_HASH, SyncTable

_ROWS_A_BUCKET = 1_000
# Lines of so many buckets are held in memory at once: a million rows, some tens of bytes each, of both sides.
_BUCKETS_AT_ONCE = 1_000
# Of bigint; keys that are spread over more than a quarter of it have no width of a bucket that can be reckoned with.
_END = 2**63
_WIDEST = 2**62
# By bucket: how many rows, and the sum of their hashes.
Sums = Mapping[int, tuple[int, int]]


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
        self._source = source
        self._target = target
        self._by = by
        self._pool = pool

    def compare(self, of: SyncTable) -> Compared:
        """Compare all rows of a table.

        Raises:
            psycopg.Error: one side could not be read.
            PermanentError: it has no key, and more rows than can be compared then.
        """
        if not of.key:
            return self._compare_counts(of)
        split = self._split(of)
        here, there = self._both(lambda side, is_source: _sums(side, split.summed(is_source=is_source)))
        all_of_them = sorted(here.keys() | there.keys())
        bad = [bucket for bucket in all_of_them if here.get(bucket) != there.get(bucket)]
        different = [
            key for some in batched(bad, _BUCKETS_AT_ONCE, strict=False) for key in self._different(split, some)
        ]
        rows = (sum(count for count, _ in here.values()), sum(count for count, _ in there.values()))
        return Compared(rows, sum(hashed for _, hashed in there.values()) % 2**64, len(all_of_them), different)

    def _compare_counts(self, of: SyncTable) -> Compared:
        """Compare rows without a key: how often each is there. What differs comes back as their hashes."""
        here, there = self._both(lambda side, is_source: _counts(side, of, is_source=is_source))
        different = [b"%d\n" % row for row in sorted(here.keys() | there.keys()) if here.get(row) != there.get(row)]
        rows = (sum(here.values()), sum(there.values()))
        return Compared(rows, sum(row * count for row, count in there.items()) % 2**64, 1, different)

    def _different(self, split: "_Split", buckets: Sequence[int]) -> Iterator[bytes]:
        """Return the keys of the rows of some buckets that are not the same on both sides."""
        here, there = self._both(lambda side, is_source: _lines(side, split.lines(buckets, is_source=is_source)))
        return iter({line.rpartition(b"\t")[0] + b"\n" for line in here ^ there})

    def _split(self, of: SyncTable) -> "_Split":
        if not of.numeric_key:
            return _ByHash(of, self._by)
        key = column(of.key[0])
        ends = SQL("SELECT min({0})::int8, max({0})::int8 FROM {1}").format(key, table(of.name))
        found: list[Any] = [side.execute(ends).fetchone() for side in (self._source, self._target)]
        known = [end for row in found for end in row if end is not None]
        span = max(known) - min(known) + 1 if known else 1
        if span > _WIDEST:
            return _ByHash(of, self._by)
        return _ByRange(of, self._by, max(1, span * _ROWS_A_BUCKET // max(of.rows, _ROWS_A_BUCKET)))

    def _both[T](self, ask: Callable[[Connection[Rows], bool], T]) -> tuple[T, T]:
        asked = self._pool.submit(ask, self._source, True)
        there = ask(self._target, False)
        return asked.result(), there


class _Split(Protocol):
    """A table split into buckets."""

    def summed(self, *, is_source: bool) -> Composed:
        """Return the query of the buckets' sums."""
        ...

    def lines(self, buckets: Sequence[int], *, is_source: bool) -> Composed:
        """Return the query of key and hash of all rows of some buckets."""
        ...


@dataclass(frozen=True, slots=True)
class _ByRange:
    """Buckets are ranges of a key of whole numbers; that of 0 reaches as far below 0 as above."""

    of: SyncTable
    by: Hash
    width: int

    @property
    def _bucket(self) -> Composable:
        return SQL("{}::int8 / {}").format(column(self.of.key[0], "t"), Literal(self.width))

    def summed(self, *, is_source: bool) -> Composed:
        return _summed(self.of, self._bucket, row_hash(self.by, self.of.columns, "t", of_source=is_source))

    def lines(self, buckets: Sequence[int], *, is_source: bool) -> Composed:
        width, more = self.width, self.width - 1
        lows = [max(-_END, bucket * width - (more if bucket <= 0 else 0)) for bucket in buckets]
        highs = [min(_END - 1, bucket * width + (more if bucket >= 0 else 0)) for bucket in buckets]
        hashed = row_hash(self.by, self.of.columns, "t", of_source=is_source)
        return SQL(
            "SELECT {key}, {hashed} FROM unnest({lows}::int8[], {highs}::int8[]) AS r (low, high)"
            " JOIN {table} AS t ON {key} BETWEEN r.low AND r.high"
        ).format(
            key=column(self.of.key[0], "t"),
            hashed=hashed,
            lows=Literal(lows),
            highs=Literal(highs),
            table=table(self.of.name),
        )


@dataclass(frozen=True, slots=True)
class _ByHash:
    """Buckets are those of a hash of the key."""

    of: SyncTable
    by: Hash

    def _bucket(self, *, is_source: bool) -> Composable:
        key = [one for one in self.of.columns if one.in_key]
        buckets = 1 << max(0, (self.of.rows // _ROWS_A_BUCKET).bit_length())
        return SQL("{} & {}").format(row_hash(self.by, key, "t", of_source=is_source), Literal(buckets - 1))

    def summed(self, *, is_source: bool) -> Composed:
        hashed = row_hash(self.by, self.of.columns, "t", of_source=is_source)
        return _summed(self.of, self._bucket(is_source=is_source), hashed)

    def lines(self, buckets: Sequence[int], *, is_source: bool) -> Composed:
        hashed = row_hash(self.by, self.of.columns, "t", of_source=is_source)
        return SQL("SELECT {}, {} FROM {} AS t WHERE ({}) = ANY ({}::int8[])").format(
            columns(self.of.key, "t"),
            hashed,
            table(self.of.name),
            self._bucket(is_source=is_source),
            Literal(list(buckets)),
        )


def _summed(of: SyncTable, bucket: Composable, hashed: Composable) -> Composed:
    return SQL("SELECT {}, count(*), sum({}) FROM {} AS t GROUP BY 1").format(bucket, hashed, table(of.name))


def _sums(side: Connection[Rows], query: Composed) -> Sums:
    rows: list[Any] = side.execute(query).fetchall()
    return {int(bucket): (count, int(hashed)) for bucket, count, hashed in rows}


def _lines(side: Connection[Rows], query: Composed) -> set[bytes]:
    with side.cursor().copy(SQL("COPY ({}) TO STDOUT").format(query)) as rows:
        return {bytes(line).rstrip(b"\n") for line in rows}


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
