"""Takes everything that was written on the target since a checkpoint back to the source, and proves it.

fence, pin, copy, then sequences, then the proof; what the proof finds different is pinned and copied again, until
nothing is; then foreign keys and the policy's own rules. Each slice of work ends at a deadline and leaves what is done
in the databases themselves: any worker goes on from there, after any crash. Until all of it has passed, nothing is
called done; and when writers were let in again, it goes on from the fence with what they have written.
"""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import replace
from datetime import timedelta
from time import monotonic

from psycopg import Connection

from shared.adapters.postgres.capture.pinning import pinned
from shared.adapters.postgres.capture.records import prepare_source, prepare_target, save_state
from shared.adapters.postgres.capture.snapshot import Checkpoint, load_checkpoint
from shared.adapters.postgres.checkpoint.logs import demand_logged, drain_to_the_end
from shared.adapters.postgres.copying.chunks import (
    CHUNK_WITHIN,
    Chunk,
    applied,
    apply_chunk,
    prepare_images,
    workers_for,
)
from shared.adapters.postgres.proof.progress import forget
from shared.adapters.postgres.server.fence import raise_fence, unfenced
from shared.adapters.postgres.server.fitting import misfits_named
from shared.adapters.postgres.server.one_worker import alone
from shared.adapters.postgres.server.session import Access, Rows, translated
from shared.adapters.postgres.server.sides import Sides, read_sides
from shared.adapters.postgres.way_back.aftermath import advance_sequences, orphans
from shared.adapters.postgres.way_back.gathering import Gathering
from shared.adapters.postgres.way_back.judging import judge
from shared.adapters.postgres.way_back.proving import Proving, kept_rows
from shared.adapters.postgres.way_back.reopened import as_of_now, last_round
from shared.adapters.postgres.way_back.room import demand_room, expected_bytes
from shared.adapters.postgres.way_back.state import Stage, State, keep_reason, snapshot_of, stored_state
from shared.adapters.postgres.way_back.unexplained import not_told
from shared.adapters.postgres.way_back.writers import demand_quiet, quiet_point
from shared.decision.sync_passes import passes
from shared.errors import PermanentError
from shared.model.policy_data import Rule
from shared.model.sync import Pass, SyncPlan, SyncRules, SyncTable
from shared.ports.traffic import Fence

__all__ = ["Stage", "State", "Sync"]


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
        *,
        hook: bool = False,
        demands: Mapping[str, Rule] | None = None,
    ) -> None:
        """Take what it works on.

        Args:
            pool: Threads for both sides at once, and for the workers; at least one more than these.
            hook: Something else keeps writers off the target: no trigger is put up, and that they stopped is proved.
            demands: What must hold on the source afterwards, by name.
        """
        self._id = sync_id
        self._checkpoint_id = checkpoint_id
        self._source = source
        self._target = target
        self._rules = rules
        self._pool = pool
        self._hook = hook
        self._demands = demands or {}

    def work(self, within_s: float, fence: Fence = lambda: None) -> State:
        """Go on for about that long.

        Args:
            fence: Called right before the first thing is changed.

        Raises:
            PermanentError: it cannot go on; the sentence says why, and nothing that was done is lost.
            TransientError: it may go on later; another worker may be at it.
        """
        statement = self._rules.statement_timeout
        longest = max(statement, *(rule.within for rule in self._demands.values()), timedelta())
        waits = {"statement": statement, "lock": self._rules.lock_timeout, "answer": longest}
        with (
            self._source.connected(**waits) as source,
            self._target.connected(**waits) as target,
            alone((source, target), self._rules),
        ):
            try:
                with translated("source"):
                    return self._go_on(source, target, within_s, fence)
            except PermanentError as error:
                keep_reason(source, self._id, self._checkpoint_id, str(error))
                raise

    def _go_on(self, source: Connection[Rows], target: Connection[Rows], within_s: float, fence: Fence) -> State:
        state = stored_state(source, self._id) or State(checkpoint=self._checkpoint_id)
        if state.stage is Stage.UNDONE:
            raise PermanentError("it was taken back: going back once more needs a new rollback")
        sides = read_sides(source, target, self._rules)
        if sides.plan.blocking:
            raise PermanentError("; ".join(map(str, sides.plan.blocking)))
        state = as_of_now(sides, self._id, state, hook=self._hook)
        if state.stage is Stage.DONE:
            return state
        fence()
        prepare_source(source)
        prepare_target(target)
        state = replace(state, why_not="")
        until = monotonic() + within_s
        while state.stage is not Stage.DONE and monotonic() < until:
            was, state = state.stage, self._timed(sides, state, until)
            save_state(source, self._id, state)
            if was is Stage.FENCE:  # writers went on until now: what was read before is old
                sides = read_sides(source, target, self._rules)
        return state

    def _timed(self, sides: Sides, state: State, until: float) -> State:
        began, stage = monotonic(), state.stage
        then = self._stages[stage](sides, state, until)
        took = then.seconds.get(stage, 0.0) + monotonic() - began
        return replace(then, seconds=then.seconds | {stage.value: round(took, 3)})

    @property
    def _stages(self) -> dict[Stage, Callable[[Sides, State, float], State]]:
        return {
            Stage.PREPARE: self._prepare,
            Stage.FENCE: self._fence,
            Stage.PIN: self._pin,
            Stage.COPY: self._copy,
            Stage.SETTLE: self._settle,
            Stage.PROVE: self._prove,
            Stage.JUDGE: self._judge,
        }

    def _prepare(self, sides: Sides, state: State, until: float) -> State:
        checkpoint = self._checkpoint(sides, state)
        for of in sides.plan.tables:
            prepare_images(sides.source, of)
        demand_room(sides.source, expected_bytes(sides, checkpoint))
        return replace(state, stage=Stage.FENCE)

    def _fence(self, sides: Sides, state: State, until: float) -> State:
        """Stop the writers; from then on nothing may be written that this snapshot does not see."""
        names = {of.oid: str(of.name) for of in sides.plan.tables}
        within_s = self._rules.fence_within.total_seconds()
        if self._hook:
            demand_logged(sides)
            seen, took = quiet_point(sides.target, names, within_s)
        else:
            took = raise_fence(sides.target, sides.plan.tables, within_s, self._id)
            self._demand_no_writers(sides, state)
            seen = snapshot_of(sides.target)
        drain_to_the_end(sides.target, self._checkpoint(sides, state))
        return replace(
            state,
            stage=Stage.PIN,
            names=names,
            system=sides.there.server.system,
            pinned_at=seen,
            round=last_round(sides, self._id) + 1,
            proofs=0,
            proved=(),
            fence_s=state.fence_s + took,
        )

    def _pin(self, sides: Sides, state: State, until: float) -> State:
        """Pin all tables; then what was changed on the source as well is decided, before anything is copied."""
        checkpoint = self._checkpoint(sides, state)
        since = state.since or checkpoint.snapshot
        label = f"pin {state.pinned_at} {state.round}"
        gathering = Gathering(self._id, sides, self._rules, self._pool, checkpoint, state.round, label, since)
        if not gathering.pin(until):
            return state
        unseen = gathering.decide_conflicts()
        apart = not_told(sides, self._rules, checkpoint)
        return replace(state, stage=Stage.COPY, since=state.pinned_at, unseen=unseen, not_told=apart)

    def _copy(self, sides: Sides, state: State, until: float) -> State:
        """Copy what is pinned, also of rounds that were left unfinished when writers were let in again."""
        for round_ in range(state.copied + 1, state.round + 1):
            for work in passes(sides.plan):
                chunks = [
                    Chunk(sync=self._id, of=of, round=round_, does=does, number=number)
                    for of, does in work
                    for number in self._open_chunks(sides, of, round_, does)
                ]
                if not self._apply_all(sides, chunks, until):
                    return state
            state = replace(state, copied=round_)
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
        several = min(len(chunks), workers_for(sides.source, self._rules.workers))
        workers = [self._pool.submit(self._worker, sides.plan, left, until) for _ in range(several)]
        ended = [worker.result() for worker in workers]
        return all(ended)

    def _worker(self, plan: SyncPlan, left: Iterator[Chunk], until: float) -> bool:
        longest = min(self._rules.statement_timeout, CHUNK_WITHIN)
        waits = {"statement": longest, "lock": self._rules.lock_timeout, "idle": longest}
        with self._source.connected(**waits) as source, self._target.connected(**waits) as target:
            for chunk in left:
                with misfits_named(target, chunk.of):
                    apply_chunk(target, source, chunk, replica_role=plan.replica_role)
                if monotonic() > until:
                    return False
        return True

    def _settle(self, sides: Sides, state: State, until: float) -> State:
        moved = advance_sequences(sides.source, sides.here.sequences, sides.there.sequences)
        named = {str(name): last for name, last in moved.items()}
        return replace(state, stage=Stage.PROVE, sequences=state.sequences | named)

    def _prove(self, sides: Sides, state: State, until: float) -> State:
        return Proving(self._id, sides, self._rules, self._pool, self._checkpoint(sides, state)).go_on(state, until)

    def _judge(self, sides: Sides, state: State, until: float) -> State:
        """All rows are the same: what else must hold before it is called done."""
        self._demand_no_writers(sides, state)
        lonely = orphans(sides.source, sides.here.tables, sides.plan.tables)
        if lonely:
            raise PermanentError("; ".join(map(str, lonely)))
        judged = {name: judge(sides.source, name, rule) for name, rule in self._demands.items()}
        rows = sum(state.tables[str(of.name)].rows[1] for of in sides.plan.tables)
        checked = {(of.name, one.name) for of in sides.plan.tables for one in of.references}
        checked |= {(name, one.name) for of in sides.plan.tables for name, one in of.referred}
        forget(sides.source, self._id)
        stay = sum(len(kept_rows(sides.source, self._id, of.oid)) for of in sides.plan.tables)
        return replace(
            state,
            stage=Stage.DONE,
            rows=rows,
            judged=judged,
            references=len(checked),
            said=f"{rows} rows are the same on both sides"
            + (f"; {stay} stay as they are on the source" if stay else ""),
        )

    def _demand_no_writers(self, sides: Sides, state: State) -> None:
        """What was written behind the fence would be in no proof."""
        if self._hook:
            within_s = self._rules.fence_within.total_seconds()
            demand_logged(sides)
            demand_quiet(sides.target, state.names, state.pinned_at, within_s)
            return
        still_open = unfenced(sides.target, sides.plan.tables)
        if still_open:
            raise PermanentError(f"the target takes writes into {', '.join(still_open)}")

    def _checkpoint(self, sides: Sides, state: State) -> Checkpoint:
        found = load_checkpoint(sides.target, state.checkpoint)
        if found is None:
            raise PermanentError(f"there is no checkpoint {state.checkpoint!r} on the target")
        return found


def _and(stay: int) -> str:
    return f"; {stay} stay as they are on the source" if stay else ""
