"""The product's way back, all of it, with the time of each stage."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from time import perf_counter

from bench.sync.servers import SOURCE, TARGET, Servers
from bench.sync.world import CHECKPOINT, RULES, World, numbers
from shared.adapters.postgres.way_back.sync import Stage, Sync
from shared.model.sync import SyncRules

_WITHIN_S = 600.0
_LONGEST = "SELECT max(took_ms) FROM rollback_controller.progress WHERE sync = %s"


@dataclass(frozen=True, slots=True)
class WayBack:
    """One way back.

    Attributes:
        all_s: All of it, connections and all.
        stages_s: By stage.
        rounds: Proofs that found something different make another one.
    """

    all_s: float
    stages_s: Mapping[str, float]
    longest_chunk_ms: int
    rounds: int

    @property
    def fence_to_proof_s(self) -> float:
        """From the fence until it is done, connections and all: what is before it, no writer waits for."""
        return self.all_s - self.stages_s[Stage.PREPARE] - self.stages_s.get("ahead", 0.0)

    @property
    def copied_s(self) -> float:
        """The rows alone."""
        return self.stages_s[Stage.COPY]

    @property
    def moved_s(self) -> float:
        """From the log of keys to the rows on the source: what other ways do as well."""
        return self.stages_s[Stage.PIN] + self.copied_s


def way_back(world: World, servers: Servers | None = None, rules: SyncRules = RULES) -> WayBack:
    """Go back, on a source that was put back before."""
    sync, reached = f"run {next(numbers)}", servers or world.servers
    with ThreadPoolExecutor(max(rules.workers, 4) + 1) as pool:
        ours = Sync(sync, CHECKPOINT, reached.access(SOURCE), reached.access(TARGET), rules, pool)
        began = perf_counter()
        state = ours.work(_WITHIN_S)
        all_s = perf_counter() - began
    assert state.stage is Stage.DONE, state
    with world.servers.connect(SOURCE) as source:
        row = source.execute(_LONGEST, [sync]).fetchone()
    return WayBack(all_s, state.seconds, row[0] if row else 0, state.round)


def by_shape(chunk: int, workers: int) -> SyncRules:
    """Return the rules with another size of chunks and number of workers."""
    return replace(RULES, chunk=chunk, workers=workers)
