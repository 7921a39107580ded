"""All ways to bring the rows back, in rounds: each begins on a source that was put back, and is held to its rows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bench.sync.by_statement import executemany, one_by_one
from bench.sync.by_tools import dump, missing, pgcopydb, subscription
from bench.sync.floor import floor
from bench.sync.ours import WayBack, way_back
from bench.sync.servers import Servers
from bench.sync.world import PLAIN, PREPARED, World

# By name of the figure: milliseconds where the name says so, else seconds.
Seconds = Mapping[str, float]
LONGEST = "longest chunk, ms"
_SAMPLE, _SAMPLE_AFAR = 5_000, 200


@dataclass(frozen=True, slots=True)
class Way:
    """One way.

    Attributes:
        template: What the source is made from.
        go: Goes it; the first figure is what other ways are held against.
        whole: All rows are the same afterwards; else it was tried with some rows.
        needs: Commands.
        says: What one must know to judge it.
    """

    go: Callable[[World], Seconds]
    template: str = PLAIN
    whole: bool = True
    needs: tuple[str, ...] = ()
    says: str = ""


def all_ways(far: Servers, afar: str, *, full: bool) -> dict[str, Way]:
    """Return them by name.

    Args:
        far: The servers, reached from afar; their figures are called so.
        full: Let also the slow ones do all rows.
    """
    sampled = "extrapolated from {} rows"
    some = None if full else _SAMPLE
    return {
        "ours": Way(_ours("", None), PREPARED, says="checkpoints, images of what is overwritten, and proof"),
        "apply floor": Way(
            lambda world: {"apply floor": floor(world)}, says="rows staged on the source before, one session"
        ),
        "one statement a row": Way(
            _one_by_one("one statement a row", some, None),
            whole=full,
            says="autocommit" + ("" if full else f"; {sampled.format(_SAMPLE)}"),
        ),
        "executemany": Way(lambda world: {"executemany": executemany(world)}, says="one transaction"),
        "subscription": Way(
            lambda world: {"subscription": subscription(world)}, says="logical replication, binary, catches up"
        ),
        "pg_dump | psql": Way(
            lambda world: {"pg_dump | psql": dump(world)}, needs=("pg_dump", "psql"), says="the whole table"
        ),
        "pgcopydb": Way(
            lambda world: {"pgcopydb": pgcopydb(world)}, needs=("pgcopydb",), says="the whole table, two jobs"
        ),
        f"ours{afar}": Way(_ours(afar, far), PREPARED),
        f"one statement a row{afar}": Way(
            _one_by_one(f"one statement a row{afar}", _SAMPLE_AFAR, far),
            whole=False,
            says=f"autocommit; {sampled.format(_SAMPLE_AFAR)}",
        ),
    }


def _ours(where: str, servers: Servers | None) -> Callable[[World], Seconds]:
    def go(world: World) -> Seconds:
        return _named(where, way_back(world, servers))

    return go


def _named(where: str, took: WayBack) -> Seconds:
    return {
        f"ours{where}": took.moved_s,
        f"ours{where}: rows alone": took.copied_s,
        f"ours{where}: proof": took.stages_s["prove"],
        f"ours{where}: fence to proof": took.fence_to_proof_s,
        f"ours{where}: {LONGEST}": took.longest_chunk_ms,
    }


def _one_by_one(name: str, most: int | None, servers: Servers | None) -> Callable[[World], Seconds]:
    def go(world: World) -> Seconds:
        some = one_by_one(world, most, servers)
        return {name: some.took_s * world.changes / some.rows}

    return go


def installed(ways: Mapping[str, Way]) -> tuple[dict[str, Way], dict[str, str]]:
    """Return the ways that can be gone here, and why others cannot."""
    why_not = {name: missing(*way.needs) for name, way in ways.items()}
    left_out = {name: why for name, why in why_not.items() if why}
    return {name: way for name, way in ways.items() if name not in left_out}, left_out


def one_round(world: World, ways: Mapping[str, Way], first: int) -> Seconds:
    """Go all ways once, beginning with another one each time.

    Raises:
        AssertionError: rows are not the same after one that says so.
    """
    found: dict[str, float] = {}
    names = list(ways)
    for name in names[first % len(names) :] + names[: first % len(names)]:
        world.source_from(ways[name].template)
        found |= ways[name].go(world)
        assert world.same() or not ways[name].whole, f"{name}: rows are not the same"
    return found
