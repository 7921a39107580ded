"""Which part of a table is read next in search of damage, and what a round of it says: pure.

A table is read by its blocks, on each side in turn, so that a round costs the same whatever its keys are: a share of
the blocks, from where the last round stopped. After as many rounds as the share goes into the whole, all was read.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from itertools import islice
from math import ceil

from shared.model.signal import Sample, measured, no_data

Key = tuple[str, ...]
# Half a megabyte: less than that is not worth to be read in parts.
_FEWEST_BLOCKS = 64
_SHOWN = 5
_LONGEST_NOTE = 400


class Side(StrEnum):
    """Where rows are read first, to be looked for on the other side."""

    SOURCE = "source"
    TARGET = "target"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """How far one table was read on one side since the checkpoint.

    Attributes:
        blocks: How many the table has now.
        next: The one that is read next.
        passes: How often all of it was read.
    """

    table: str
    side: Side
    blocks: int
    next: int = 0
    passes: int = 0

    def end(self, share: float) -> int:
        """Return the block before which this round ends."""
        return min(self.blocks, self.next + max(_FEWEST_BLOCKS, ceil(self.blocks * share)))

    def read_to(self, block: int) -> "Place":
        """Return the place after everything before a block was read."""
        if block >= self.blocks:
            return replace(self, next=0, passes=self.passes + 1)
        return replace(self, next=block)

    @property
    def looked(self) -> int:
        """Blocks that were read at least once."""
        return self.blocks if self.passes else min(self.next, self.blocks)

    @property
    def age(self) -> tuple[int, float]:
        """What has been read least stands first in this order."""
        return self.passes, self.next / max(1, self.blocks)


def coverage(places: Iterable[Place]) -> float:
    """Return the share of the blocks of both sides that were read since the checkpoint."""
    known = list(places)
    blocks = sum(place.blocks for place in known)
    return sum(place.looked for place in known) / blocks if blocks else 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What one round found.

    Attributes:
        why: Why nothing can be said at all; `None` if something can.
        tables: How many were looked at.
        rows: How many were compared.
        damaged: By table: keys of rows that are not the same, and that nobody has written.
        unreadable: What the target's server said of blocks that it cannot read.
        left_out: By table, why it cannot be sampled any more though its capture stands.
        lost: By table, why nobody knows what was written in it.
        covered: Share of the blocks that were read since the checkpoint.
    """

    why: str | None = None
    tables: int = 0
    rows: int = 0
    damaged: Mapping[str, Sequence[Key]] = field(default_factory=dict)
    unreadable: str = ""
    left_out: Mapping[str, str] = field(default_factory=dict)
    lost: Mapping[str, str] = field(default_factory=dict)
    covered: float = 0.0

    @property
    def value(self) -> int:
        """Rows that are damaged; blocks that cannot be read count as one."""
        return sum(map(len, self.damaged.values())) + bool(self.unreadable)


def sample_of(found: Round, at: datetime) -> Sample:
    """Return what a round says, which is never that all is well where nobody knows."""
    if found.value:
        return replace(measured(at, found.value, max(found.rows, found.value)), note=_cut(_said(found)))
    if found.why is not None:
        return no_data(at, _cut(found.why))
    if found.lost:
        return no_data(at, _cut(f"blind: {_listed(found.lost)}"))
    if not found.tables:
        return no_data(at, _cut(f"no table can be sampled: {_listed(found.left_out) or 'there is none'}"))
    return replace(measured(at, 0, max(1, found.rows)), note=_cut(_said(found)))


def _said(found: Round) -> str:
    looked = "" if found.why else f"{found.covered:.0%} looked at since the checkpoint"
    parts = [found.why, found.unreadable, *_rows_said(found.damaged), looked]
    return "; ".join(part for part in [*parts, _listed({**found.left_out, **found.lost})] if part)


def _rows_said(damaged: Mapping[str, Sequence[Key]]) -> Iterable[str]:
    for table, keys in damaged.items():
        shown = ", ".join(f"({', '.join(key)})" for key in islice(keys, _SHOWN))
        yield f"damaged: {len(keys)} of {table}, such as {shown}"


def _listed(why: Mapping[str, str]) -> str:
    return "; ".join(f"{table} {reason}" for table, reason in sorted(why.items()))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_NOTE else f"{text[: _LONGEST_NOTE - 1]}…"
