"""Takes everything that was written on the target since a checkpoint back to the source, and proves it.

pin and copy ahead, while people still write; fence, pin and copy what they wrote meanwhile, then sequences, then the
proof; what the proof finds different is pinned and copied again, until nothing is; then foreign keys and the policy's
own rules. Each slice of work ends at a deadline and leaves what is done in the databases themselves: any worker goes on
from there, after any crash. Until all of it has passed, nothing is called done; and when writers were let in again, it
goes on from the fence with what they have written.
"""

from collections.abc import Collection, Mapping
from concurrent.futures import Executor
from dataclasses import replace
from datetime import timedelta
from time import monotonic

from psycopg import Connection

from shared.adapters.postgres.capture.records import prepare_source, prepare_target, save_state
from shared.adapters.postgres.capture.snapshot import Checkpoint, load_checkpoint
from shared.adapters.postgres.server.one_worker import alone
from shared.adapters.postgres.server.session import Access, Rows, translated
from shared.adapters.postgres.server.sides import Sides, name_in_full, read_sides
from shared.adapters.postgres.way_back.agreed import demand_agreed
from shared.adapters.postgres.way_back.reopened import as_of_now
from shared.adapters.postgres.way_back.stages import Stages
from shared.adapters.postgres.way_back.state import Stage, State, keep_reason, stored_state
from shared.errors import PermanentError
from shared.model.policy_data import Rule
from shared.model.sync import SyncRules
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
        left_out: Collection[str] = (),
    ) -> None:
        """Take what it works on.

        Args:
            pool: Threads for both sides at once, and for the workers; at least one more than these.
            hook: Something else keeps writers off the target: no trigger is put up, and that they stopped is proved.
            demands: What must hold on the source afterwards, by name.
            left_out: What may stay behind as a whole, as a preview says it.
        """
        self._id = sync_id
        self._checkpoint_id = checkpoint_id
        self._source = source
        self._target = target
        self._rules = rules
        self._pool = pool
        self._hook = hook
        self._demands = demands or {}
        self._left_out = frozenset(left_out)

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
                    name_in_full(source, target)
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
        checkpoint = _checkpoint(target, state)
        left_out = tuple(sorted({*state.left_out, *self._left_out}))
        # Whoever goes on after it stopped has done something about that.
        state = replace(state, decided=0, held_again=False, why_not="") if state.why_not else state
        state = replace(state, left_out=left_out)
        demand_agreed(sides, checkpoint, state.left_out)
        fence()
        prepare_source(source)
        prepare_target(target)
        until = monotonic() + within_s
        while state.stage is not Stage.DONE and monotonic() < until:
            was, state = state, self._timed(self._stages(sides, checkpoint), state, until)
            save_state(source, self._id, state)
            if _may_be_other(was, state):
                sides = read_sides(source, target, self._rules)
                demand_agreed(sides, checkpoint, state.left_out)
                state = as_of_now(sides, self._id, state, hook=self._hook)
        return state

    def _timed(self, stages: Stages, state: State, until: float) -> State:
        began, stage = monotonic(), "ahead" if state.ahead else state.stage.value
        then = stages.next(state, until)
        took = then.seconds.get(stage, 0.0) + monotonic() - began
        return replace(then, seconds=then.seconds | {stage: round(took, 3)})

    def _stages(self, sides: Sides, checkpoint: Checkpoint) -> Stages:
        return Stages(
            sync=self._id,
            checkpoint=checkpoint,
            sides=sides,
            rules=self._rules,
            source=self._source,
            target=self._target,
            pool=self._pool,
            hook=self._hook,
            demands=self._demands,
        )


def _may_be_other(was: State, state: State) -> bool:
    """Whether tables may have changed: people went on until now, or the proof of all took its time."""
    return (was.ahead and not state.ahead) or (was.stage is not state.stage and was.stage in (Stage.FENCE, Stage.PROVE))


def _checkpoint(target: Connection[Rows], state: State) -> Checkpoint:
    found = load_checkpoint(target, state.checkpoint)
    if found is None:
        raise PermanentError(f"there is no checkpoint {state.checkpoint!r} on the target")
    return found
