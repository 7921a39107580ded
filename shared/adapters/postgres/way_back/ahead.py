"""The round that is copied while people still write: only what they write meanwhile is copied behind the fence.

Nobody asks the source yet, and whatever is read too early or too late is written once more: its key is in the log. What
was written on the source as well is left alone until the fence stands, and decided there: as long as the target's rows
change, nobody can tell which of them are the same. Whatever else is in the way ends it: then all goes behind the fence.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

from shared.adapters.postgres.capture.keys import written_on
from shared.adapters.postgres.capture.pinning import unpin
from shared.adapters.postgres.capture.snapshot import Checkpoint
from shared.adapters.postgres.checkpoint.logs import logged_tables, source_log
from shared.adapters.postgres.copying.chunks import WrittenMeanwhileError
from shared.adapters.postgres.server.sides import Sides
from shared.adapters.postgres.way_back.copying import Copying, ValueHeldError
from shared.adapters.postgres.way_back.deciding import Deciding
from shared.adapters.postgres.way_back.gathering import Gathering, Round
from shared.adapters.postgres.way_back.state import Stage, State, snapshot_of

# A source that is written to all the time is dealt with behind the fence.
_WRITTEN_AT_MOST = 4


def behind_alone(sides: Sides, checkpoint: Checkpoint) -> tuple[int, ...]:
    """Return the tables that cannot go ahead, by their number on the target.

    It takes a log of all that was written, on both sides. And of a table with columns that only the source has, a row
    that is deleted and made anew meanwhile would come back without them.
    """
    there, here = logged_tables(sides, checkpoint, checkpoint.snapshot), source_log(sides, checkpoint.id)
    return tuple(
        of.oid
        for of in sides.plan.tables
        if of.rest or not of.key or of.oid not in there or of.source_oid in here.emptied or str(of.name) in here.unseen
    )


def only(sides: Sides, tables: Collection[int]) -> Sides:
    """Return both sides as if no other tables were to go back."""
    left = tuple(of for of in sides.plan.tables if of.oid in tables)
    return replace(sides, plan=replace(sides.plan, tables=left))


def given_up(state: State) -> State:
    """Return where it goes on when rows cannot go ahead any more: all that was written goes behind the fence."""
    copied = state.round if state.stage is Stage.COPY else state.copied  # nothing may be pinned of that round yet
    return replace(state, stage=Stage.FENCE, ahead=False, since="", behind=(), copied=copied)


@dataclass(frozen=True, slots=True)
class Ahead:
    """That round.

    Attributes:
        round, copying: Of the tables that go ahead.
    """

    round: Round
    copying: Copying

    def pin(self, state: State, until: float) -> State:
        """Pin what was written until a while ago, but for what was written on the source as well.

        Raises:
            PermanentError: the policy stops for rows that were changed on both sides, or one that stays is in the way.
        """
        if not Gathering(self.round, self.round.checkpoint.snapshot).pin(until):
            return state
        Deciding(self.round).stop_where_it_must()
        return self._left_alone(replace(state, stage=Stage.COPY, since=state.pinned_at))

    def copy(self, state: State, until: float) -> State:
        """Copy that; then comes the fence."""
        try:
            then = self.copying.go_on(state, until)
        except WrittenMeanwhileError:
            return given_up(state) if state.decided == _WRITTEN_AT_MOST else self._left_alone(state)
        except ValueHeldError:  # values go from row to row while they are read
            return given_up(state)
        return replace(then, stage=Stage.FENCE, ahead=False) if then.stage is Stage.SETTLE else then

    def _left_alone(self, state: State) -> State:
        """Take all that was written on the source off the list, whether it is the same just now or not.

        Where its log does not name the rows, nothing goes ahead: what was put back would be the same, and no conflict.
        """
        sides, at = self.round.sides, snapshot_of(self.round.sides.source)
        log = source_log(sides, self.round.checkpoint.id)
        if log.unseen or log.emptied.intersection(of.source_oid for of in sides.plan.tables):
            return given_up(state)
        for of in sides.plan.tables:
            unpin(sides.target, of, written_on(sides.source, of, of.source_oid, log.snapshot))
        return replace(state, decided_at=at, decided=state.decided + 1)
