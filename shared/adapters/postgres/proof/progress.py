"""How far the comparison of one table is: kept as a note of its sync, so that any worker goes on in mid-table.

What is kept is only good for the rows it was begun with: that is what its name is made of.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from psycopg import Connection
from psycopg.sql import SQL, Literal
from pydantic import TypeAdapter

from shared.adapters.postgres.capture.records import load_note, save_note
from shared.adapters.postgres.proof.split import Reading
from shared.adapters.postgres.server.hashing import Hash
from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.sql import ours
from shared.model.sync import SyncTable

_NOTE = "proof of "
_SIZES = """
SELECT max(pg_relation_size(each.oid)) / current_setting('block_size')::int8, sum(pg_table_size(each.oid))::int8,
       array_agg(pg_relation_filenode(each.oid)::int8 ORDER BY each.oid)
FROM (SELECT {oid}::oid::regclass UNION SELECT relid FROM pg_partition_tree({oid}::oid::regclass)) AS each (oid)
"""
# By bucket: rows on the source and on the target, and how much more the hashes on the source are, modulo 2^64.
Gaps = dict[int, tuple[int, int, int]]


@dataclass(frozen=True, slots=True)
class Lying:
    """How one side's table lies on disk.

    Attributes:
        files: By which it is known that it was written anew: a row may then be in another block than before.
    """

    blocks: int
    size: int
    files: tuple[int | None, ...]


@dataclass(slots=True, kw_only=True)
class Progress:
    """How far the comparison of one table is.

    Attributes:
        of: Which comparison it is, of which rows.
        by_range: Buckets are ranges; else those of a hash.
        size: Width of a bucket, or how many there are.
        readings: Of the source and of the target.
        gaps: Of all buckets while they are summed, then of those that are not the same.
        rows: On the source, and on the target.
        digest: Sum of the hashes of the target's rows so far.
        summed: How many buckets there are; `None` while rows are summed.
        gathered: The rows of these buckets are brought together, or need not be.
        looked: In how many of these buckets it was looked which rows differ.
        different: Keys that differ, as lines of COPY's text format.
        most: About how many rows are looked at at once.
        begun: How often it was begun.
    """

    of: str
    by_range: bool
    size: int
    readings: tuple[Reading, Reading]
    gaps: Gaps = field(default_factory=dict)
    rows: tuple[int, int] = (0, 0)
    digest: int = 0
    summed: int | None = None
    gathered: bool = False
    looked: int = 0
    different: list[bytes] = field(default_factory=list)
    most: int = 1_000_000
    begun: int = 1

    @property
    def read(self) -> float:
        """Which share of the rows is summed."""
        if self.summed is not None:
            return 1.0
        return sum(min(one.next, one.blocks) for one in self.readings) / sum(one.blocks for one in self.readings)


_AS_JSON = TypeAdapter(Progress)


def forget(source: Connection[Rows], sync: str) -> None:
    """Forget how far comparisons were."""
    asked = SQL("DELETE FROM {} WHERE sync = %s AND starts_with(name, %s)").format(ours("note"))
    source.execute(asked, [sync, _NOTE])


def lying(side: Connection[Rows], oid: int) -> Lying:
    """Return how a side's table lies on disk now."""
    row: Any = side.execute(SQL(_SIZES).format(oid=Literal(oid))).fetchone()
    return Lying(int(row[0] or 0), int(row[1] or 0), tuple(row[2]))


def named(label: str, by: Hash, of: SyncTable, both: tuple[Lying, Lying]) -> str:
    """Return the name of a comparison: another one of other rows, columns or files has another name."""
    said = repr((label, by.value, of.oid, of.source_oid, of.name, of.key, of.columns, [one.files for one in both]))
    return sha256(said.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Kept:
    """Where it is kept: with a sync, one comparison of a table at a time."""

    source: Connection[Rows]
    sync: str
    label: str

    def load(self, of: SyncTable, name: str) -> Progress | None:
        found = load_note(self.source, self.sync, _note(of))
        progress = _AS_JSON.validate_python(found) if found else None
        return progress if progress is not None and progress.of == name else None

    def save(self, of: SyncTable, progress: Progress) -> None:
        save_note(self.source, self.sync, _note(of), _AS_JSON.dump_json(progress).decode())

    def share(self, of: SyncTable) -> float:
        """Return how much of a table's rows are summed."""
        found = load_note(self.source, self.sync, _note(of))
        return _AS_JSON.validate_python(found).read if found else 0.0


def _note(of: SyncTable) -> str:
    return f"{_NOTE}{of.oid}"


def add(gaps: Gaps, sums: Iterable[Any], *, is_source: bool) -> None:
    """Add the sums of one part of one side: bucket, rows, sum of their hashes."""
    for bucket, count, hashed in sums:
        here, there, gap = gaps.get(bucket, (0, 0, 0))
        if is_source:
            gaps[bucket] = (here + count, there, (gap + int(hashed)) % 2**64)
        else:
            gaps[bucket] = (here, there + count, (gap - int(hashed)) % 2**64)
