"""The comparison of one table, step by step: sums of parts, then the rows of buckets that are not the same.

Each step takes some seconds; what it found is kept with it, so that it is done once. A step that takes too long for the
server is done again with less in it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice
from time import monotonic
from typing import Any

from psycopg import Connection, errors
from psycopg.sql import SQL, Composed

from shared.adapters.postgres.proof.progress import Kept, Lying, Progress, add
from shared.adapters.postgres.proof.split import ByHash, ByRange, Reading, Split, by_range, lines, summed
from shared.adapters.postgres.proof.suspects import Suspects, damaged
from shared.adapters.postgres.server.hashing import Hash
from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.side_by_side import Both
from shared.adapters.postgres.server.sql import column, table
from shared.errors import PermanentError
from shared.model.sync import SyncTable

# The fewer rows a bucket has, the fewer are looked at where one of them differs.
_ROWS_A_BUCKET = 50
# So that what is kept in mid-table, after each part of it, is small, or a few megabytes of a very large one.
_ROWS_A_BUCKET_IN_PARTS = 1_000
_MOST_BUCKETS = 1 << 16
# Of a table that was never analysed there is no estimate but its size.
_BYTES_A_ROW = 100
# Keys that are spread over more than a quarter of bigint have no width of a bucket that can be reckoned with.
_WIDEST = 2**62
# Lines of so many rows are held in memory at once: some tens of bytes each, of both sides.
_AT_ONCE, _LEAST_AT_ONCE = 1_000_000, 1_000
# Each time all rows are read: a source that is written to may need it, and nobody needs it for long.
_BEGUN_AT_MOST = 3
_ENDS = SQL("SELECT min({0})::int8, max({0})::int8 FROM {1}")


def begun(both: Both, of: SyncTable, name: str, sides: tuple[Lying, Lying]) -> Progress:
    """Begin a comparison of that name."""
    rows = of.rows or max(side.size for side in sides) // _BYTES_A_ROW
    here, there = (Reading.of(side.blocks, side.size) for side in sides)
    whole = here.at_once and there.at_once
    per = _ROWS_A_BUCKET if whole else _ROWS_A_BUCKET_IN_PARTS
    width = _width(both, of, rows, per) if of.numeric_key else 0
    size = width or _hashed(rows, per)
    return Progress(of=name, by_range=bool(width), size=size, readings=(here, there), most=_AT_ONCE)


def _hashed(rows: int, per: int) -> int:
    return min(_MOST_BUCKETS, 1 << max(0, (rows // per).bit_length()))


def _width(both: Both, of: SyncTable, rows: int, per: int) -> int:
    """Return the width of a bucket; 0 if there is none that can be reckoned with."""
    ends = _ENDS.format(column(of.key[0]), table(of.name))
    found: list[Any] = [side.execute(ends).fetchone() for side in (both.source, both.target)]
    known = [end for row in found for end in row if end is not None]
    span = max(known) - min(known) + 1 if known else 1
    if span > _WIDEST:
        return 0
    return max(1, span * per // max(rows, per), -(-span // _MOST_BUCKETS))


@dataclass(frozen=True, slots=True)
class Comparison:
    """One under way.

    Attributes:
        kept: Where it is kept how far it is, if anywhere.
    """

    both: Both
    of: SyncTable
    by: Hash
    progress: Progress
    kept: Kept | None

    def run(self, until: float) -> bool:
        """Go on until it has ended, or time is over, but by one step at least; return whether it has ended."""
        while not self._is_over:
            self._step()
            if monotonic() > until:
                break
        return self._is_over

    @property
    def _is_over(self) -> bool:
        return self.progress.summed is not None and self.progress.looked >= len(self.progress.gaps)

    def _step(self) -> None:
        if self.progress.summed is None:
            self._sum()
            self._save()
        elif not self.progress.gathered:
            self._gather()
        else:
            self._look()
            self._save()

    @property
    def _split(self) -> Split:
        return self._ranges if self.progress.by_range else self._hashes

    @property
    def _ranges(self) -> ByRange:
        return ByRange(self.of, self.by, self.progress.size)

    @property
    def _hashes(self) -> ByHash:
        return ByHash(self.of, self.by, self.progress.size)

    def _sum(self) -> None:
        """Add the next part of each side."""
        progress, split = self.progress, self._split
        here, there = self._parts(lambda side, part, is_source: _rows(side, summed(split, part, is_source=is_source)))
        add(progress.gaps, here, is_source=True)
        add(progress.gaps, there, is_source=False)
        progress.digest = (progress.digest + sum(int(hashed) for _, _, hashed in there)) % 2**64
        if all(reading.over for reading in progress.readings):
            self._summed()

    def _summed(self) -> None:
        """All is summed: keep the buckets that are not the same."""
        progress = self.progress
        progress.readings = (progress.readings[0].anew(), progress.readings[1].anew())
        counts = [(here, there) for here, there, _ in progress.gaps.values()]
        rows = sum(here for here, _ in counts), sum(there for _, there in counts)
        bad = {bucket: gap for bucket, gap in progress.gaps.items() if gap[0] != gap[1] or gap[2]}
        if progress.by_range and progress.size > 1 and any(max(gap[:2]) > _AT_ONCE for gap in bad.values()):
            # Nearly all keys are close together, and some far off: ranges do not tell them apart.
            progress.by_range, progress.size = False, _hashed(max(rows), _ROWS_A_BUCKET_IN_PARTS)
            progress.gaps, progress.digest = {}, 0
            return
        progress.rows, progress.summed = rows, len(progress.gaps)
        progress.gaps = dict(sorted(bad.items()))
        progress.gathered = not bad or self._is_direct

    @property
    def _is_direct(self) -> bool:
        """The rows of a few buckets are found by index, or by reading all of a small table."""
        return self.progress.by_range or all(reading.at_once for reading in self.progress.readings)

    def _gather(self) -> None:
        """Bring the rows of bad buckets together, of the next part of each side."""
        progress, split, buckets = self.progress, self._hashes, list(self.progress.gaps)
        if not any(reading.next for reading in progress.readings):
            self._suspects.make()
        here, there = self._parts(
            lambda side, part, is_source: _copied(side, lines(split, buckets, part, is_source=is_source))
        )
        progress.gathered = all(reading.over for reading in progress.readings)
        with self.both.source.transaction():
            self._suspects.add(here)
            self._suspects.add(there)
            self._save()

    def _look(self) -> None:
        """Find the rows that differ in some of the buckets."""
        progress, buckets = self.progress, self._next_buckets()
        try:
            found = self._differing(buckets)
        except errors.QueryCanceled:
            if progress.most <= _LEAST_AT_ONCE:
                raise
            progress.most //= 8
            return
        if not found:
            self._begin_anew()
            return
        progress.different += found
        progress.looked += len(buckets)
        if self._is_over and not self._is_direct:
            self._suspects.drop()

    def _begin_anew(self) -> None:
        """Sums differed, and no row does: they were written meanwhile, or an index does not lead to one of them."""
        progress = self.progress
        if progress.begun >= _BEGUN_AT_MOST:
            raise PermanentError(
                f"{self.of.name}: sums of its rows differ, and no row that its index leads to does: it is written to"
                " all the time, or the index is damaged (REINDEX)"
            )
        progress.begun += 1
        progress.gaps, progress.digest, progress.different = {}, 0, []
        progress.summed, progress.gathered, progress.looked = None, False, 0

    def _next_buckets(self) -> list[int]:
        left = list(islice(self.progress.gaps.items(), self.progress.looked, None))
        rows = accumulate(max(here, there) for _, (here, there, _) in left)
        some = [bucket for (bucket, _), so_far in zip(left, rows, strict=True) if so_far <= self.progress.most]
        return some or [left[0][0]]

    def _differing(self, buckets: Sequence[int]) -> list[bytes]:
        if not self._is_direct:
            return self._suspects.differing(buckets)
        if self.progress.by_range:
            return self._differing_of_ranges(buckets)
        split = self._hashes
        here, there = self.both.ask(
            lambda side, is_source: self._once(_copied(side, lines(split, buckets, is_source=is_source)))
        )
        return list({line.rpartition(b"\t")[0] + b"\n" for line in here ^ there})

    def _differing_of_ranges(self, buckets: Sequence[int]) -> list[bytes]:
        split = self._ranges
        here, there = self.both.ask(
            lambda side, is_source: self._once(
                [
                    row
                    for line in _copied(side, by_range(split, buckets, is_source=is_source))
                    for row in line.rstrip(b"\n").split(b" ")
                ]
            )
        )
        return list({row.partition(b":")[0] + b"\n" for row in here ^ there})

    def _once(self, rows: Sequence[bytes]) -> set[bytes]:
        once = set(rows)
        if len(once) < len(rows):
            raise damaged(self.of)
        return once

    def _parts[T](
        self, read: Callable[[Connection[Rows], Reading, bool], Sequence[T]]
    ) -> tuple[Sequence[T], Sequence[T]]:
        """Read the next part of each side that is not at its end."""

        def ask(side: Connection[Rows], is_source: bool) -> tuple[Sequence[T], Reading]:
            reading, began = self.progress.readings[not is_source], monotonic()
            if reading.over:
                return [], reading
            try:
                return read(side, reading, is_source), reading.read(monotonic() - began)
            except errors.QueryCanceled:
                smaller = reading.smaller()
                if smaller is None:
                    raise
                return [], smaller

        (here, one), (there, other) = self.both.ask(ask)
        self.progress.readings = (one, other)
        return here, there

    @property
    def _suspects(self) -> Suspects:
        return Suspects(self.both.source, self.of, lasting=self.kept is not None)

    def _save(self) -> None:
        if self.kept is not None:
            self.kept.save(self.of, self.progress)


def _rows(side: Connection[Rows], query: Composed) -> list[Any]:
    return side.execute(query).fetchall()


def _copied(side: Connection[Rows], query: Composed) -> list[bytes]:
    with side.cursor().copy(SQL("COPY ({}) TO STDOUT").format(query)) as rows:
        return [bytes(line) for line in rows]
