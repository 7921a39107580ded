"""What each stage of a way back does: from room on the source's disk to what must hold when all rows are the same."""

from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace

from shared.adapters.postgres.capture.snapshot import Checkpoint
from shared.adapters.postgres.checkpoint.logs import demand_logged, drain_to_the_end
from shared.adapters.postgres.copying.chunks import WrittenMeanwhileError, prepare_images
from shared.adapters.postgres.proof.progress import forget
from shared.adapters.postgres.server.fence import raise_fence, unfenced
from shared.adapters.postgres.server.session import Access
from shared.adapters.postgres.server.sides import Sides
from shared.adapters.postgres.server.subscriptions import demand_unfed
from shared.adapters.postgres.way_back.aftermath import advance_sequences
from shared.adapters.postgres.way_back.ahead import Ahead, behind_alone, given_up, only
from shared.adapters.postgres.way_back.copying import Copying, ValueHeldError
from shared.adapters.postgres.way_back.deciding import Decided, Deciding
from shared.adapters.postgres.way_back.gathering import Gathering, Round
from shared.adapters.postgres.way_back.judging import judge
from shared.adapters.postgres.way_back.orphans import References
from shared.adapters.postgres.way_back.proving import Proving, kept_rows
from shared.adapters.postgres.way_back.reopened import last_round, shape_of
from shared.adapters.postgres.way_back.room import demand_room, expected_bytes
from shared.adapters.postgres.way_back.state import Stage, State, snapshot_of
from shared.adapters.postgres.way_back.unexplained import not_told
from shared.adapters.postgres.way_back.writers import demand_quiet, quiet_point
from shared.errors import PermanentError
from shared.model.policy_data import Rule
from shared.model.sync import SyncRules

# A source that is written to all the time is never the same as the target for long.
_DECIDED_AT_MOST = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Stages:
    """Those of one way back, as it works on both databases now.

    Attributes:
        pool: Threads for both sides at once, and for the workers.
        hook: Something else keeps writers off the target.
        demands: What must hold on the source afterwards, by name.
    """

    sync: str
    checkpoint: Checkpoint
    sides: Sides
    rules: SyncRules
    source: Access
    target: Access
    pool: Executor
    hook: bool
    demands: Mapping[str, Rule]

    def next(self, state: State, until: float) -> State:
        """Do what is next, or some of it."""
        if state.ahead and not self.goes_ahead:  # the policy is another one now
            return given_up(state)
        does = {
            Stage.PREPARE: self._prepare,
            Stage.FENCE: self._fence,
            Stage.PIN: self._pin,
            Stage.COPY: self._copy,
            Stage.SETTLE: self._settle,
            Stage.PROVE: self._prove,
            Stage.JUDGE: self._judge,
        }
        return does[state.stage](state, until)

    def _prepare(self, state: State, until: float) -> State:
        self._prepare_images()
        demand_room(self.sides.source, expected_bytes(self.sides, self.checkpoint))
        if not self.goes_ahead:
            return replace(state, stage=Stage.FENCE)
        demand_unfed(self.sides.target, _names(self.sides))
        behind = behind_alone(self.sides, self.checkpoint)
        if len(behind) == len(self.sides.plan.tables):
            return replace(state, stage=Stage.FENCE)
        return replace(self._to_pin(state, snapshot_of(self.sides.target)), ahead=True, behind=behind)

    @property
    def goes_ahead(self) -> bool:
        """Whether rows are copied while people still write; a hook has stopped them before.

        Where triggers are disabled by their owner, rows go in the order of the foreign keys: what is written while they
        go would be out of it.
        """
        return self.rules.copy_ahead and self.sides.plan.replica_role and not self.hook

    def _ahead(self, state: State) -> Ahead:
        sides = only(self.sides, [of.oid for of in self.sides.plan.tables if of.oid not in state.behind])
        round_ = replace(self._round(state.round, f"pin {state.pinned_at} {state.round}"), sides=sides)
        return Ahead(round_, Copying(self.sync, sides, self.rules, self.pool, self.source, self.target, ahead=True))

    def _prepare_images(self) -> None:
        for of in self.sides.plan.tables:
            prepare_images(self.sides.source, of)

    def _fence(self, state: State, until: float) -> State:
        """Stop the writers; from then on nothing may be written that this snapshot does not see."""
        sides, within_s = self.sides, self.rules.fence_within.total_seconds()
        if self.hook:
            names = _names(sides)
            demand_unfed(sides.target, names)
            demand_logged(sides)
            seen, took = quiet_point(sides.target, names, within_s)
        else:
            took = raise_fence(sides.target, sides.plan.tables, within_s, self.sync)
            self._demand_no_writers(state)
            seen = snapshot_of(sides.target)
        return self._to_pin(replace(state, fence_s=state.fence_s + took), seen)

    def _to_pin(self, state: State, seen: str) -> State:
        """All that a snapshot of the target sees is in the log afterwards: that is pinned next, as a round."""
        sides, shape = self.sides, shape_of(self.sides.plan)
        if state.shape not in ("", shape):  # what is overwritten has other columns now
            self._prepare_images()
        drain_to_the_end(sides.target, self.checkpoint)
        return replace(
            state,
            stage=Stage.PIN,
            names=_names(sides),
            shape=shape,
            system=sides.there.server.system,
            pinned_at=seen,
            decided_at=snapshot_of(sides.source),
            decided=0,
            searched=(),
            round=last_round(sides, self.sync) + 1,
            proofs=0,
            proved=(),
            different=0,
        )

    def _pin(self, state: State, until: float) -> State:
        """Pin all tables; then what was changed on the source as well is decided, before anything is copied."""
        if state.ahead:
            return self._ahead(state).pin(state, until)
        round_ = self._round(state.round, f"pin {state.pinned_at} {state.round}")
        late = [of.oid for of in self.sides.plan.tables if not state.since or of.oid in state.behind]
        others = [of.oid for of in self.sides.plan.tables if of.oid not in late]
        for tables, since in ((late, self.checkpoint.snapshot), (others, state.since)):
            part = replace(round_, sides=only(self.sides, tables))
            if tables and not Gathering(part, since).pin(until):
                return state
        decided = Deciding(round_).decide_conflicts()
        apart = not_told(self.sides, self.checkpoint)
        unseen = decided.unseen
        return replace(state, stage=Stage.COPY, since=state.pinned_at, behind=(), unseen=unseen, not_told=apart)

    def _copy(self, state: State, until: float) -> State:
        if state.ahead:
            return self._ahead(state).copy(state, until)
        copying = Copying(self.sync, self.sides, self.rules, self.pool, self.source, self.target)
        try:
            return copying.go_on(state, until)
        except WrittenMeanwhileError:
            return self._noted(state, self._decide_again(state, state.round))
        except ValueHeldError as held:
            if held.of.oid in state.searched:
                return self._as_one_round(state, held)
            label = f"search {state.decided_at} {held.round}"
            return Proving(self._round(held.round, label)).search(state, held.of, until)

    def _as_one_round(self, state: State, held: ValueHeldError) -> State:
        """What was left unfinished goes once more along with what came later: a value may be given up in either.

        In its own round it was given up already, and the source has taken it again since: that is worth one more.

        Raises:
            PermanentError: it is held again, or a row that has given up its values on the way holds more than the
                target knows of it: only its round can put it back.
        """
        is_own = held.round == state.round
        if (is_own and state.held_again) or any(of.rest and of.is_vacated for of in self.sides.plan.tables):
            raise PermanentError(f"source database: {held.said}") from None
        return replace(state, stage=Stage.FENCE, since="", copied=state.round, held_again=is_own)

    def _settle(self, state: State, until: float) -> State:
        sides = self.sides
        moved = advance_sequences(sides.source, sides.here.sequences, sides.there.sequences, sides.plan.tables)
        named = {str(name): last for name, last in moved.items()}
        return replace(state, stage=Stage.PROVE, sequences=state.sequences | named)

    def _prove(self, state: State, until: float) -> State:
        label = f"prove {state.pinned_at} {state.round} {state.proofs}"
        return Proving(self._round(state.round, label)).go_on(state, until)

    def _judge(self, state: State, until: float) -> State:
        """All rows are the same: what else must hold before it is called done."""
        sides = self.sides
        self._demand_no_writers(state)
        state, over = References.of(sides).go_on(state, until)
        if not over:
            return state
        judged = {name: judge(sides.source, name, rule) for name, rule in self.demands.items()}
        decided = self._decide_again(state, state.round + 1)
        if decided.copied:
            return self._noted(replace(state, stage=Stage.COPY, round=state.round + 1), decided)
        forget(sides.source, self.sync)
        return self._done(self._noted(state, decided), judged)

    def _decide_again(self, state: State, round_: int) -> Decided:
        """What was written on the source since is decided as it was before anything was copied."""
        return Deciding(self._round(round_, "")).decide_conflicts(state.decided_at)

    def _noted(self, state: State, decided: Decided) -> State:
        """Note what was decided.

        Raises:
            PermanentError: that happened too often.
        """
        if state.decided >= _DECIDED_AT_MOST:
            raise PermanentError(f"the source is still written to: {', '.join(decided.copied) or 'stop its writers'}")
        unseen = state.unseen | decided.unseen
        return replace(state, decided_at=decided.at, decided=state.decided + 1, unseen=unseen)

    def _done(self, state: State, judged: dict[str, str]) -> State:
        tables = self.sides.plan.tables
        rows = sum(state.tables[str(of.name)].rows[1] for of in tables)
        checked = {(of.name, one.name) for of in tables for one in of.references}
        checked |= {(name, one.name) for of in tables for name, one in of.referred}
        stay = sum(len(kept_rows(self.sides.source, self.sync, of.oid)) for of in tables)
        return replace(
            state,
            stage=Stage.DONE,
            rows=rows,
            judged=judged,
            references=len(checked),
            said=f"{rows} rows are the same on both sides"
            + (f"; {stay} stay as they are on the source" if stay else ""),
        )

    def _demand_no_writers(self, state: State) -> None:
        """What was written behind the fence would be in no proof."""
        sides = self.sides
        if self.hook:
            demand_unfed(sides.target, state.names)
            demand_logged(sides)
            demand_quiet(sides.target, state.names, state.pinned_at, self.rules.fence_within.total_seconds())
            return
        still_open = unfenced(sides.target, sides.plan.tables)
        if still_open:
            raise PermanentError(f"the target takes writes into {', '.join(still_open)}")

    def _round(self, number: int, label: str) -> Round:
        return Round(self.sync, self.sides, self.rules, self.pool, self.checkpoint, number, label)


def _names(sides: Sides) -> dict[int, str]:
    return {of.oid: str(of.name) for of in sides.plan.tables}
