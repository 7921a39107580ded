"""Differences planted in one of two tables: each way of comparing them must find their keys, and no others."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Any, LiteralString

from psycopg import Connection

from bench.sync.servers import SOURCE, TARGET, Servers
from bench.sync.world import PLAIN

EXTRA, NULLS = "an extra row", "null against a value"
# By what is different; the key of an extra row is past all others.
_PLANTS: dict[str, LiteralString] = {
    "a trailing blank": "UPDATE items SET a = a || ' ' WHERE id = ANY (%s)",
    "a missing row": "DELETE FROM items WHERE id = ANY (%s)",
    EXTRA: (
        "INSERT INTO items (id, u, a, b, c, j, n, updated_at) SELECT new.id, u, a, b, c, j, n, updated_at"
        " FROM unnest(%s::bigint[]) AS new (id), (SELECT * FROM items LIMIT 1) AS old"
    ),
    "a value in JSON": "UPDATE items SET j = jsonb_set(j, '{tags,2}', '77') WHERE id = ANY (%s)",
    "a microsecond": "UPDATE items SET updated_at = updated_at + interval '1 microsecond' WHERE id = ANY (%s)",
    NULLS: "UPDATE items SET c = NULL WHERE id = ANY (%s)",
}
Keys = frozenset[int]


@dataclass(frozen=True, slots=True)
class Planted:
    """Two tables of which one was changed.

    Attributes:
        keys: Of the rows that differ.
    """

    servers: Servers
    keys: Keys

    @contextmanager
    def sides(self) -> Iterator[tuple[Connection[tuple[Any, ...]], Connection[tuple[Any, ...]]]]:
        with self.servers.connect(SOURCE, PLAIN) as source, self.servers.connect(TARGET, TARGET) as target:
            yield source, target


def plant(servers: Servers, rows: int, count: int, *, nulls: bool) -> Planted:
    """Put the target back to what the source was, and make some rows of it different, spread over all of them."""
    servers.create(TARGET, TARGET, PLAIN)
    chosen = _chosen(rows, count, [kind for kind in _PLANTS if nulls or kind != NULLS])
    with servers.connect(TARGET) as target:
        for kind, keys in chosen.items():
            target.execute(_PLANTS[kind], [keys])
        target.execute("VACUUM ANALYZE items")
    planted = Planted(servers, frozenset(key for keys in chosen.values() for key in keys))
    with planted.sides() as sides:
        for side in sides:
            side.execute("SELECT sum(length(a)) FROM items")
    return planted


def _chosen(rows: int, count: int, kinds: list[str]) -> dict[str, list[int]]:
    """Return keys by what is done to them."""
    chosen: dict[str, list[int]] = {kind: [] for kind in kinds}
    for number in range(count):
        kind = kinds[number % len(kinds)]
        chosen[kind].append(rows + 1 + number if kind == EXTRA else 1 + number * (rows // count))
    return chosen


@dataclass(frozen=True, slots=True)
class Found:
    """What one comparison found.

    Attributes:
        missed, too_many: How many keys it did not name, and named wrongly.
    """

    took_s: float
    missed: int
    too_many: int

    @property
    def exact(self) -> bool:
        return not self.missed and not self.too_many


def compared(way: Callable[[Planted], Keys], planted: Planted) -> Found:
    """Compare, and hold what was found against what was planted."""
    began = perf_counter()
    found = way(planted)
    took_s = perf_counter() - began
    return Found(took_s, len(planted.keys - found), len(found - planted.keys))
