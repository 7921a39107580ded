"""How a table is split for a proof: into buckets of rows by key, the same on both sides, and into parts to be read.

Buckets are ranges of a key of whole numbers, which finds the rows of a bad bucket by index; of any other key they are
those of a hash of it as text, which is the same on any two servers. Ranges of such a key would not do: collations order
text differently, even under the same name, and a range that one side ends elsewhere than the other proves nothing.

Parts are ranges of a table's blocks, each side's own: sums of buckets add up over them, whatever the key is, and a part
is read in the order it lies on disk. The last part has no end, so that no row is outside of all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from psycopg.sql import SQL, Composable, Composed, Literal

from shared.adapters.postgres.server.hashing import Hash, row_hash
from shared.adapters.postgres.server.sql import column, columns, table
from shared.model.sync import SyncTable

# Of bigint.
_END = 2**63
# A table up to this size, large values included, is read in one statement: the server may then use several processes.
_WHOLE = 512 << 20
_FIRST_PART = 128 << 20
_AIM_S = 2.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How far one side's table is read.

    Attributes:
        blocks: How many it had at first; of a partitioned table, its largest partition.
        step: How many the next part has.
        next: The first of it.
    """

    blocks: int
    step: int
    next: int = 0

    @classmethod
    def of(cls, blocks: int, size: int) -> "Reading":
        """Return that of a table of so many blocks and so many bytes, which are more with large values."""
        blocks = max(1, blocks)
        return cls(blocks=blocks, step=blocks if size <= _WHOLE else max(1, blocks * _FIRST_PART // size))

    @property
    def over(self) -> bool:
        return self.next >= self.blocks

    @property
    def at_once(self) -> bool:
        """All of it is one part."""
        return self.step >= self.blocks

    def where(self, of: str = "t") -> Composable:
        """Return the condition that a row is in the next part."""
        place, end = column("ctid", of), self.next + self.step
        low = SQL("{} >= {}::tid").format(place, Literal(f"({self.next},0)")) if self.next else SQL("true")
        high = SQL("{} < {}::tid").format(place, Literal(f"({end},0)")) if end < self.blocks else SQL("true")
        return SQL("{} AND {}").format(low, high)

    def read(self, took_s: float) -> "Reading":
        """Return it after a part, with the next one as large as the time that this one took allows."""
        wanted = int(self.step * _AIM_S / max(took_s, 0.001))
        step = self.step if self.at_once else max(1, self.step // 4, min(wanted, 2 * self.step))
        return replace(self, next=self.next + self.step, step=step)

    def smaller(self) -> "Reading | None":
        """Return it with smaller parts, as this one took too long; `None` when they are as small as can be."""
        return replace(self, step=max(1, self.step // 8)) if self.step > 1 else None

    def anew(self) -> "Reading":
        """Return it from the first block on, by parts of the size that was found."""
        return replace(self, next=0)


@dataclass(frozen=True, slots=True)
class ByRange:
    """Buckets are ranges of a key of whole numbers; that of 0 reaches as far below 0 as above."""

    of: SyncTable
    by: Hash
    width: int

    def bucket(self, *, is_source: bool) -> Composable:
        return SQL("{}::int8 / {}").format(column(self.of.key[0], "t"), Literal(self.width))

    def ranges(self, buckets: Sequence[int]) -> Composable:
        """Return some buckets as a table `r` of where each begins and ends."""
        width, more = self.width, self.width - 1
        lows = [max(-_END, bucket * width - (more if bucket <= 0 else 0)) for bucket in buckets]
        highs = [min(_END - 1, bucket * width + (more if bucket >= 0 else 0)) for bucket in buckets]
        return SQL("unnest({}::int8[], {}::int8[]) AS r (low, high)").format(Literal(lows), Literal(highs))


@dataclass(frozen=True, slots=True)
class ByHash:
    """Buckets are those of a hash of the key; there are a power of two of them."""

    of: SyncTable
    by: Hash
    buckets: int

    def bucket(self, *, is_source: bool) -> Composable:
        key = [one for one in self.of.columns if one.in_key]
        hashed = row_hash(self.by, key, "t", of_source=is_source)
        return SQL("({} & {})").format(hashed, Literal(self.buckets - 1))

    def rows_of(self, buckets: Sequence[int], *, is_source: bool) -> Composable:
        return SQL("{} AS t WHERE {} = ANY ({}::int8[])").format(
            table(self.of.name), self.bucket(is_source=is_source), Literal(list(buckets))
        )


# A table split into buckets.
Split = ByRange | ByHash


def summed(split: Split, part: Reading, *, is_source: bool) -> Composed:
    """Return the query of the sums of one part: bucket, rows, sum of their hashes.

    A planner that sees what buckets are made of takes each key for one, and sorts all rows, or does without other
    processes: they come out of a subquery that stays one.
    """
    hashed = row_hash(split.by, split.of.columns, "t", of_source=is_source)
    return SQL(
        "SELECT bucket, count(*), sum(hashed)::text"
        " FROM (SELECT {} AS bucket, {} AS hashed FROM {} AS t WHERE {} OFFSET 0) AS rows GROUP BY 1"
    ).format(split.bucket(is_source=is_source), hashed, table(split.of.name), part.where())


def by_range(split: ByRange, buckets: Sequence[int], *, is_source: bool) -> Composed:
    """Return the query of key and hash of all rows of some ranges, a line for each range: lines cost more than rows."""
    hashed = row_hash(split.by, split.of.columns, "t", of_source=is_source)
    key = column(split.of.key[0], "t")
    return SQL(
        "SELECT found FROM {}, LATERAL (SELECT string_agg({} || ':' || {}, ' ') AS found FROM {} AS t"
        " WHERE {} BETWEEN r.low AND r.high) AS one WHERE found IS NOT NULL"
    ).format(split.ranges(buckets), key, hashed, table(split.of.name), key)


def lines(split: ByHash, buckets: Sequence[int], part: Reading | None = None, *, is_source: bool) -> Composed:
    """Return the query of key and hash of all rows of some buckets; of one part, with side and bucket before them."""
    hashed = row_hash(split.by, split.of.columns, "t", of_source=is_source)
    key, found = columns(split.of.key, "t"), split.rows_of(buckets, is_source=is_source)
    if part is None:
        return SQL("SELECT {}, {} FROM {}").format(key, hashed, found)
    bucket = split.bucket(is_source=is_source)
    side = Literal(1 if is_source else -1)
    return SQL("SELECT {}, {}, {}, {} FROM {} AND {}").format(side, bucket, key, hashed, found, part.where())
