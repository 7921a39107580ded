"""A way back as people see it: they write until the fence stops them, and wait from then until it is proved."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from random import Random
from threading import Event

from psycopg import DatabaseError

from bench.sync.ours import WayBack, way_back
from bench.sync.servers import TARGET
from bench.sync.world import PREPARED, RULES, World

_UPDATE = "UPDATE items SET n = n + 1, updated_at = clock_timestamp() WHERE id = %s"
# As many as an application of that size may write; more would take the processor of what is measured.
_PAUSE_S = 0.005
_REFUSED = "RB001"


def way_back_while_written(world: World) -> tuple[WayBack, int]:
    """Go back from a target that is being written to; return what it took, and how many rows were written meanwhile."""
    world.source_from(PREPARED)
    over = Event()
    with ThreadPoolExecutor(1) as one:
        writer = one.submit(_write_until_refused, world, over)
        try:
            took = way_back(world, rules=replace(RULES, copy_ahead=True))
        finally:
            over.set()
        return took, writer.result()


def _write_until_refused(world: World, over: Event) -> int:
    chosen, written = Random(7), 0
    with world.servers.connect(TARGET) as target:
        while not over.wait(_PAUSE_S):
            try:
                target.execute(_UPDATE, [chosen.randint(1, world.rows)])
            except DatabaseError as error:
                if error.sqlstate != _REFUSED:
                    raise
                return written
            written += 1
    raise AssertionError("nobody stopped the writer")
