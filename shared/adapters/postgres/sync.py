"""Takes everything that was written on the target since a checkpoint back to the source, and proves it.

fence, pin, copy, then sequences and foreign keys, then the proof; what the proof finds different is pinned and copied
again, until nothing is. Each slice of work ends at a deadline and leaves what is done in the databases themselves: any
worker goes on from there, after any crash. Until the proof has passed, nothing is called done.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from enum import StrEnum
from time import monotonic

from psycopg import Connection

from shared.adapters.postgres.aftermath import advance_sequences, orphans
from shared.adapters.postgres.capture import captured_oids
from shared.adapters.postgres.catalogue import read_catalogue
from shared.adapters.postgres.checkpoints import Checkpoint, load_checkpoint
from shared.adapters.postgres.conflicts import conflicts, keep_conflicts, kept_on_source
from shared.adapters.postgres.copying import Chunk, applied, apply_chunk, prepare_images
from shared.adapters.postgres.fence import raise_fence, unfenced
from shared.adapters.postgres.hashing import Hash, hash_for
from shared.adapters.postgres.keys import written_on
from shared.adapters.postgres.pinning import emptied_since, pin_listed, pin_more, pin_written, pinned, unpin
from shared.adapters.postgres.proof import Proof
from shared.adapters.postgres.records import load_state, prepare_source, prepare_target, save_state
from shared.adapters.postgres.session import Access, Rows
from shared.decision.sync_passes import passes
from shared.decision.sync_plan import sync_plan
from shared.errors import PermanentError
from shared.model.sync import Conflicts, Pass, SyncPlan, SyncRules, SyncTable
from shared.model.tables import Catalogue

_MOST_ROUNDS = 8


class Stage(StrEnum):
    """What is done next."""

    PREPARE = "prepare"
    FENCE = "fence"
    PIN = "pin"
    COPY = "copy"
    SETTLE = "settle"
    PROVE = "prove"
    DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """How far a sync is; kept on the source.

    Attributes:
        round: Of the keys that are being copied.
        proved: The tables that were compared in this round, and how many rows were different.
        fence_s: How long writers were waited for.
    """

    stage: Stage = Stage.PREPARE
    round: int = 1
    proved: tuple[int, ...] = ()
    different: int = 0
    fence_s: float = 0.0
    sequences: int = 0
    rows: int = 0
    said: str = ""


@dataclass(frozen=True, slots=True)
class Sides:
    """Both databases as one slice of work holds them."""

    source: Connection[Rows]
    target: Connection[Rows]
    here: Catalogue
    there: Catalogue
    plan: SyncPlan
    by: Hash


class Sync:
    """One way back."""

    def __init__(
        self,
        sync_id: str,
        checkpoint_id: str,
        source: Access,
        target: Access,
        rules: SyncRules,
        pool: Executor,
    ) -> None:
        """Take what it works on.

        Args:
            pool: Threads for both sides at once, and for the workers; at least one more than these.
        """
        self._id = sync_id
        self._checkpoint_id = checkpoint_id
        self._source = source
        self._target = target
        self._rules = rules
        self._pool = pool

    def work(self, within_s: float) -> State:
        """Go on for about that long.

        Raises:
            PermanentError: it cannot go on; the sentence says why, and nothing that was done is lost.
            TransientError: it may go on later.
        """
        until = monotonic() + within_s
        waits = {"statement": self._rules.statement_timeout, "lock": self._rules.lock_timeout}
        with self._source.connected(**waits) as source, self._target.connected(**waits) as target:
            sides = self._sides(source, target)
            state = load_state(source, self._id, State) or State()
            while state.stage is not Stage.DONE and monotonic() < until:
                state = self._stages[state.stage](sides, state, until)
                save_state(source, self._id, state)
            return state

    def _sides(self, source: Connection[Rows], target: Connection[Rows]) -> Sides:
        here, there = read_catalogue(source), read_catalogue(target)
        plan = sync_plan(here, there, self._rules)
        if plan.blocking:
            raise PermanentError("; ".join(map(str, plan.blocking)))
        prepare_source(source)
        prepare_target(target)
        return Sides(source, target, here, there, plan, hash_for(source, target))

    @property
    def _stages(self) -> dict[Stage, Callable[[Sides, State, float], State]]:
        return {
            Stage.PREPARE: self._prepare,
            Stage.FENCE: self._fence,
            Stage.PIN: self._pin,
            Stage.COPY: self._copy,
            Stage.SETTLE: self._settle,
            Stage.PROVE: self._prove,
        }

    def _prepare(self, sides: Sides, state: State, until: float) -> State:
        self._checkpoint(sides.target)
        for of in sides.plan.tables:
            prepare_images(sides.source, of)
        return replace(state, stage=Stage.FENCE)

    def _fence(self, sides: Sides, state: State, until: float) -> State:
        took = raise_fence(sides.target, sides.plan.tables, self._rules.fence_within.total_seconds())
        self._demand_fence(sides)
        return replace(state, stage=Stage.PIN, fence_s=took)

    def _pin(self, sides: Sides, state: State, until: float) -> State:
        """Pin all tables; then what was changed on the source as well is decided, before anything is copied."""
        checkpoint = self._checkpoint(sides.target)
        logged = self._logged(sides, checkpoint)
        for of in sides.plan.tables:
            if pinned(sides.target, self._id, of.oid, 1) is not None:
                continue
            if monotonic() > until:
                return state
            if of.oid in logged:
                pin_written(sides.target, self._id, of, checkpoint.snapshot, self._rules.chunk)
            else:
                different = self._proof(sides).compare(of).different
                pin_listed(sides.target, self._id, of, 1, different, self._rules.chunk)
        self._decide_conflicts(sides)
        return replace(state, stage=Stage.COPY)

    def _logged(self, sides: Sides, checkpoint: Checkpoint) -> set[int]:
        """The tables whose log says everything since the checkpoint; the others are compared row by row."""
        if checkpoint.system != sides.there.server.system:
            return set()
        whole = {oid for oid, is_whole in captured_oids(sides.target).items() if is_whole}
        return whole - emptied_since(sides.target, checkpoint.snapshot)

    def _decide_conflicts(self, sides: Sides) -> None:
        """Rows that were changed on the source go into the first round, too, or stay as they are."""
        checkpoint = load_checkpoint(sides.source, self._checkpoint_id)
        if checkpoint is None or checkpoint.system != sides.here.server.system:
            return
        emptied = emptied_since(sides.source, checkpoint.snapshot)
        found = {
            of: conflicts(
                sides.source,
                sides.target,
                of,
                # Which rows a TRUNCATE took is not in the log: all that differ were changed.
                self._proof(sides).compare(of).different
                if of.source_oid in emptied
                else written_on(sides.source, of, of.source_oid, checkpoint.snapshot),
            )
            for of in sides.plan.tables
            if of.source_oid in captured_oids(sides.source)
        }
        by = self._rules.conflicts
        several = [f"{len(rows)} of {of.name}" for of, rows in found.items() if rows]
        if several and by is Conflicts.STOP:
            raise PermanentError(f"rows were changed on the source as well: {', '.join(several)}")
        for of, rows in found.items():
            keep_conflicts(sides.source, self._id, of, rows, by)
            keys = [one.key for one in rows]
            if by is Conflicts.SOURCE_WINS:
                unpin(sides.target, of, keys)
            else:
                pin_more(sides.target, self._id, of, keys, self._rules.chunk)

    def _copy(self, sides: Sides, state: State, until: float) -> State:
        for work in passes(sides.plan):
            chunks = [
                Chunk(sync=self._id, of=of, round=state.round, does=does, number=number)
                for of, does in work
                for number in self._open_chunks(sides, of, state.round, does)
            ]
            if not self._apply_all(sides, chunks, until):
                return state
        return replace(state, stage=Stage.SETTLE)

    def _open_chunks(self, sides: Sides, of: SyncTable, round_: int, does: Pass) -> list[int]:
        pins = pinned(sides.target, self._id, of.oid, round_)
        done = applied(sides.source, self._id, of, round_, does)
        return [number for number in range(pins.chunks if pins else 0) if number not in done]

    def _apply_all(self, sides: Sides, chunks: list[Chunk], until: float) -> bool:
        """Apply chunks by several workers until all are applied, or time is over; return whether all are."""
        if not chunks:
            return True
        left = iter(chunks)  # one iterator for all workers: `next` on a list's is atomic
        workers = [self._pool.submit(self._worker, sides.plan, left, until) for _ in range(self._rules.workers)]
        ended = [worker.result() for worker in workers]
        return all(ended)

    def _worker(self, plan: SyncPlan, left: Iterator[Chunk], until: float) -> bool:
        waits = {"statement": self._rules.statement_timeout, "lock": self._rules.lock_timeout}
        with self._source.connected(**waits) as source, self._target.connected(**waits) as target:
            while monotonic() < until:
                chunk = next(left, None)
                if chunk is None:
                    return True
                apply_chunk(target, source, chunk, replica_role=plan.replica_role)
        return False

    def _settle(self, sides: Sides, state: State, until: float) -> State:
        moved = advance_sequences(sides.source, sides.here.sequences, sides.there.sequences)
        return replace(state, stage=Stage.PROVE, sequences=state.sequences + len(moved))

    def _prove(self, sides: Sides, state: State, until: float) -> State:
        """Compare one table; after the last one of a round it is known whether there is another."""
        left = [of for of in sides.plan.tables if of.oid not in state.proved]
        if left:
            return self._compared(sides, state, left[0])
        if state.different and state.round >= _MOST_ROUNDS:
            raise PermanentError(f"{state.different} rows are still not the same after {state.round} rounds")
        if state.different:
            return replace(state, stage=Stage.COPY, round=state.round + 1, proved=(), different=0, rows=0)
        self._demand_fence(sides)
        lonely = orphans(sides.source, sides.here.tables, sides.plan.tables)
        if lonely:
            raise PermanentError("; ".join(map(str, lonely)))
        return replace(state, stage=Stage.DONE, said=f"{state.rows} rows are the same on both sides")

    def _compared(self, sides: Sides, state: State, of: SyncTable) -> State:
        compared = self._proof(sides).compare(of)
        kept = kept_on_source(sides.source, self._id, of.oid)
        keys = [key for key in compared.different if key not in kept]
        if keys:
            pin_listed(sides.target, self._id, of, state.round + 1, keys, self._rules.chunk)
        return replace(
            state,
            proved=(*state.proved, of.oid),
            different=state.different + len(keys),
            rows=state.rows + compared.rows[1],
        )

    def _demand_fence(self, sides: Sides) -> None:
        """What was written behind the fence would be in no proof."""
        still_open = unfenced(sides.target, sides.plan.tables)
        if still_open:
            raise PermanentError(f"the target takes writes into {', '.join(still_open)}")

    def _proof(self, sides: Sides) -> Proof:
        return Proof(sides.source, sides.target, sides.by, self._pool)

    def _checkpoint(self, target: Connection[Rows]) -> Checkpoint:
        found = load_checkpoint(target, self._checkpoint_id)
        if found is None:
            raise PermanentError(f"there is no checkpoint {self._checkpoint_id!r} on the target")
        return found
