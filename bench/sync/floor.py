"""The least that bringing rows back can take: all are on the source's server already, and are put in their place."""

from bench.sync.servers import SOURCE, TARGET
from bench.sync.world import World, stopwatch
from shared.adapters.postgres.capture.keys import written_on

_SETTINGS = "SET jit = off; SET random_page_cost = 1.1; SET temp_buffers = '256MB'"
_STAGED = "CREATE TEMP TABLE staged AS SELECT *, true AS live FROM items WITH NO DATA"
_READ = """
COPY (SELECT k.id, t.u, t.a, t.b, t.c, t.j, t.n, t.updated_at, t.id IS NOT NULL
      FROM pg_temp.keys k LEFT JOIN items t USING (id) ORDER BY k.id) TO STDOUT
"""
_PUT = """
INSERT INTO items SELECT id, u, a, b, c, j, n, updated_at FROM pg_temp.staged WHERE live
ON CONFLICT (id) DO UPDATE SET u = excluded.u, a = excluded.a, b = excluded.b, c = excluded.c, j = excluded.j,
  n = excluded.n, updated_at = excluded.updated_at
"""
_DELETE = "DELETE FROM items WHERE id = ANY (ARRAY(SELECT id FROM pg_temp.staged WHERE NOT live))"


def changed_rows(world: World) -> list[bytes]:
    """Return the rows whose keys were written, with whether they are there, as lines of COPY's text format."""
    with world.servers.connect(TARGET) as target:
        keys = written_on(target, world.of, world.of.oid, world.snapshot)
        target.execute("CREATE TEMP TABLE keys (id bigint)")
        with target.cursor().copy("COPY pg_temp.keys FROM STDIN") as given:
            given.write(b"".join(keys))
        target.execute("ANALYZE pg_temp.keys")
        with target.cursor().copy(_READ) as lines:
            return [bytes(line) for line in lines]


def floor(world: World) -> float:
    """Return how many seconds it takes one session, in one transaction."""
    rows = changed_rows(world)
    took_s: list[float] = []
    with world.servers.connect(SOURCE) as source:
        source.execute(_SETTINGS)
        source.execute(_STAGED)
        with source.cursor().copy("COPY pg_temp.staged FROM STDIN") as staged:
            for some in rows:
                staged.write(some)
        with stopwatch(took_s), source.transaction():
            source.execute(_PUT)
            source.execute(_DELETE)
    return took_s[0]
