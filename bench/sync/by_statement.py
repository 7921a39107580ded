"""Rows brought back as most programs would: read into memory, and written with a statement each, or in batches."""

from dataclasses import dataclass
from itertools import islice
from time import perf_counter
from typing import Any, LiteralString

from psycopg import Connection

from bench.sync.servers import SOURCE, TARGET, Servers
from bench.sync.world import World
from shared.adapters.postgres.capture.keys import written_on

# JSON as text: what a program decodes into numbers of its own and writes back is not what was there.
_READ = """
SELECT k.id, t.u, t.a, t.b, t.c, t.j::text, t.n, t.updated_at, t.id IS NOT NULL
FROM pg_temp.keys k LEFT JOIN items t USING (id) ORDER BY k.id
"""
_PUT: LiteralString = """
INSERT INTO items (id, u, a, b, c, j, n, updated_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (id) DO UPDATE SET u = excluded.u, a = excluded.a, b = excluded.b, c = excluded.c, j = excluded.j,
  n = excluded.n, updated_at = excluded.updated_at
"""
_DELETE: LiteralString = "DELETE FROM items WHERE id = %s"


@dataclass(frozen=True, slots=True)
class Some:
    """What some of all rows took."""

    rows: int
    took_s: float


def one_by_one(world: World, most: int | None, servers: Servers | None = None) -> Some:
    """Write rows with a statement and a commit each, spread evenly over all of them.

    Args:
        most: Stop after so many; `None` does all.
    """
    reached = servers or world.servers
    with reached.connect(SOURCE) as source, reached.connect(TARGET) as target:
        began = perf_counter()
        rows = _read(world, target)
        step = max(1, len(rows) // most) if most else 1
        chosen = list(islice(rows, 0, None, step))
        read_s = perf_counter() - began
        began = perf_counter()
        for *values, live in chosen:
            if live:
                source.execute(_PUT, values)
            else:
                source.execute(_DELETE, values[:1])
        wrote_s = perf_counter() - began
    return Some(len(chosen), read_s * len(chosen) / len(rows) + wrote_s)


def executemany(world: World) -> float:
    """Write all rows in one transaction, in batches of the driver's choice; return how many seconds it took."""
    with world.servers.connect(SOURCE) as source, world.servers.connect(TARGET) as target:
        began = perf_counter()
        rows = _read(world, target)
        with source.transaction(), source.cursor() as cursor:
            cursor.executemany(_PUT, [row[:-1] for row in rows if row[-1]])
            cursor.executemany(_DELETE, [row[:1] for row in rows if not row[-1]])
        return perf_counter() - began


def _read(world: World, target: Connection[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    keys = written_on(target, world.of, world.of.oid, world.snapshot)
    target.execute("CREATE TEMP TABLE keys (id bigint)")
    with target.cursor().copy("COPY pg_temp.keys FROM STDIN") as given:
        given.write(b"".join(keys))
    target.execute("ANALYZE pg_temp.keys")
    return target.execute(_READ).fetchall()
