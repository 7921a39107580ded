"""Searches for damage while a change is under way: rows that nobody wrote since the checkpoint must be the same.

A round reads a share of each table on one side, looks its rows up on the other, and then asks both logs about those
that differ. It never takes a write for damage, however writers run, for it reads in this order: rows, then logs, then
whether the logs still say everything. Say that a row differed, and let w be a write that one of the two readings saw
and that side's checkpoint did not. Capture has stood since before the checkpoint, so w put its key into the log in its
own transaction; that was committed when the row was read, so the log that is read later holds it. Hence a key that is
in neither log has on both sides the row of the checkpoint, and these two differ. (Capture that was switched, a
TRUNCATE, or a column that became another one in between would break this; all three are looked for last of all.) What
is left went around the triggers: a disk, a broken copy, a session in the replica role, a fault of the move.

What was found is looked at again in each round, and counts until it is the same on both sides.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic

from psycopg import Connection, errors

from shared.adapters.postgres.corruption.ground import Ground, Since, lay_ground, newest_checkpoint, without_narrower
from shared.adapters.postgres.corruption.reading import Reader
from shared.adapters.postgres.corruption.records import (
    damaged_keys,
    forget_damaged,
    keep_damaged,
    keep_place,
    kept_places,
    prepare_records,
)
from shared.adapters.postgres.server.hashing import Hash
from shared.adapters.postgres.server.session import Access, Rows, sentence
from shared.adapters.postgres.server.sides import read_sides
from shared.decision.corruption import Key, Place, Round, Side, coverage
from shared.model.sync import SyncRules, SyncTable

# Steps begin small and grow while they are fast: large values make a block a thousand times as heavy as another.
_FIRST_STEP, _LONGEST_STEP = 4, 256
_FAST_S = 0.2
# Each round reads for so long though all its time went by before: slow is not the same as never.
_LEAST_S = 0.1


def sample(source: Access, target: Access, rules: SyncRules, share: float, within: timedelta) -> Round:
    """Do one round since the newest checkpoint of the target.

    Args:
        share: Of each table, 0 to 1; what is small is read whole.
        within: About how long it may take; what was not reached is first in the next round.

    Raises:
        TransientError, PermanentError: a side does not answer, or does not let us.
    """
    until = monotonic() + within.total_seconds()
    with source.connected(statement=within) as here, target.connected(statement=within) as there:
        since = newest_checkpoint(here, there)
        if isinstance(since, str):
            return Round(why=since)
        return Search(here, there, rules, since).round(share, until)


@dataclass(slots=True)
class Search:
    """One round under way, on connections that are open."""

    source: Connection[Rows]
    target: Connection[Rows]
    rules: SyncRules
    since: Since
    rows: int = 0
    places: dict[tuple[str, Side], Place] = field(default_factory=dict)
    damaged: dict[str, list[Key]] = field(default_factory=dict)

    def round(self, share: float, until: float) -> Round:
        """Look again at what is known, then read on."""
        prepare_records(self.target, self._id)
        self.damaged = damaged_keys(self.target, self._id)
        ground = self.ground()
        if isinstance(ground, str):
            return Round(why=ground, damaged=self.damaged)
        unreadable = ""
        try:
            self._recheck(ground)
            self._begin(ground)
            until = max(until, monotonic() + _LEAST_S)
            for place in sorted(self.places.values(), key=lambda place: place.age):
                self._advance(ground, place, share, until)
        except (errors.DataCorrupted, errors.IndexCorrupted) as error:
            # Of the source it is an error: going back there would not help.
            if Side.TARGET not in getattr(error, "__notes__", ()):
                raise
            unreadable = f"the target cannot read what it stored: {sentence(error)}"
        return self._said(ground, unreadable)

    def ground(self) -> Ground | str:
        """Return which tables can be searched now."""
        sides = read_sides(self.source, self.target, self.rules)
        ground = lay_ground(sides, self.since)
        return ground if isinstance(ground, str) else without_narrower(ground, sides, self.since, self.rules)

    def differing(self, of: SyncTable, by: Hash, side: Side, blocks: range) -> list[Key]:
        """Return the keys of the rows of some blocks of a side that are not the same on the other one."""
        reader, other = self._readers(of, by, side)
        here = reader.scan(blocks.start, blocks.stop)
        there = other.look_up(here)
        self.rows += len(here)
        return [key for key, hashed in here.items() if there.get(key) != hashed]

    def unwritten(self, of: SyncTable, by: Hash, differing: Collection[Key]) -> list[Key]:
        """Return the keys that are in neither log; these are read after the rows."""
        left = list(differing)
        for reader in self._readers(of, by, Side.TARGET):
            written = reader.written(left, self.since.of(reader.side).snapshot)
            left = [key for key in left if key not in written]
        return left

    @property
    def _id(self) -> str:
        return self.since.target.id

    def _readers(self, of: SyncTable, by: Hash, first: Side) -> tuple[Reader, Reader]:
        source, target = Reader(self.source, Side.SOURCE, of, by), Reader(self.target, Side.TARGET, of, by)
        return (source, target) if first is Side.SOURCE else (target, source)

    def _recheck(self, ground: Ground) -> None:
        for name in self.damaged.keys() & ground.comparable.keys():
            keys = self.damaged[name]
            here, there = (
                reader.look_up(keys) for reader in self._readers(ground.comparable[name], ground.by, Side.SOURCE)
            )
            self.damaged[name] = [key for key in keys if here.get(key) != there.get(key)]
            forget_damaged(self.target, self._id, name, set(keys) - set(self.damaged[name]))

    def _begin(self, ground: Ground) -> None:
        kept = kept_places(self.target, self._id)
        for name, of in ground.tables.items():
            for reader in self._readers(of, ground.by, Side.SOURCE):
                next_, passes = kept.get((name, reader.side), (0, 0))
                place = Place(table=name, side=reader.side, blocks=reader.blocks(), next=next_, passes=passes)
                self.places[name, reader.side] = place

    def _advance(self, ground: Ground, place: Place, share: float, until: float) -> None:
        """Read a place's part of this round; what was found is kept together with how far it was read."""
        of, differing = ground.tables[place.table], list[Key]()
        read = place.next
        for blocks in _steps(place.next, place.end(share), until):
            differing += self.differing(of, ground.by, place.side, blocks)
            read = blocks.stop
        if read == place.next and place.blocks:
            return
        found = self.unwritten(of, ground.by, differing)
        if found and not self._still(of):
            return
        known = self.damaged.get(place.table, [])
        self.damaged[place.table] = list(dict.fromkeys([*known, *found]))
        self.places[place.table, place.side] = place.read_to(read)
        with self.target.transaction():
            keep_damaged(self.target, self._id, place.table, found)
            keep_place(self.target, self._id, self.places[place.table, place.side])

    def _still(self, of: SyncTable) -> bool:
        """Whether the logs said everything up to now, of a table that is still what it was."""
        now = self.ground()
        return not isinstance(now, str) and now.holds(of)

    def _said(self, ground: Ground, unreadable: str) -> Round:
        return Round(
            tables=len(ground.tables),
            rows=self.rows,
            damaged={name: keys for name, keys in self.damaged.items() if keys},
            unreadable=unreadable,
            left_out=ground.left_out,
            lost=ground.lost,
            covered=coverage(self.places.values()),
        )


def _steps(first: int, end: int, until: float) -> Iterator[range]:
    """Yield blocks to read, until all are read or time is over."""
    size = _FIRST_STEP
    while first < end and (began := monotonic()) < until:
        blocks = range(first, min(end, first + size))
        yield blocks
        first = blocks.stop
        fast = monotonic() - began < _FAST_S
        size = min(_LONGEST_STEP, size * 2) if fast else max(_FIRST_STEP, size // 2)
