"""Rows go back: a step that takes many slices, each of them safe to do twice.

What is done is in the databases themselves, so that a doubt about a slice is ended by doing the next one. Before the
first slice it is looked at what would be lost: above the policy's limit only what people saw and agreed to is done.
Whatever ends it early lets writers in again on the target, unless the policy keeps them out; what was captured stays.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from shared.decision.data_limits import DATABASE, loss_limitation
from shared.engine.records import CHECKPOINTS, decode
from shared.engine.steps.step import LEASE, Act, Done, Look, Stop, Wait
from shared.errors import ControllerError, PermanentError, TransientError
from shared.model.checkpoint import Checkpoints, DatabaseCheckpoint, Foreseen, held_as
from shared.model.policy import Policy
from shared.model.policy_data import Database
from shared.model.policy_roads import DataSyncRoad
from shared.model.run import Run, StepPhase, StepRecord
from shared.ports import Fence, Ledger, Previews, RowsBack, RowsPicture

# A slice is a message of its own: the function that did one ends, and is rung for the next.
_BETWEEN = timedelta(milliseconds=200)
# Before its time is over, so that there is time to let writers in again: a slice, and what it takes to be rung, also
# when the worker of the last slice died and its lease must run out first.
ENDS_EARLY = LEASE + timedelta(seconds=15)
_PREVIEW_WITHIN = timedelta(seconds=12)
_FORESEEN_LATELY = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class SyncRows:
    """Desired state: the source holds every row that the target holds, and it is proved.

    Attributes:
        ledger: Where it is kept which checkpoint a database goes back to.
    """

    rows: RowsBack
    previews: Previews
    ledger: Ledger

    def observe(self, policy: Policy, run: Run, record: StepRecord, now: datetime) -> Look:
        name, database = _database_of(policy, record)
        sync_id = held_as(run.id, name)
        try:
            picture = self.rows.look(database, sync_id)
        except ControllerError as error:
            return self._end_unseen(database, sync_id, record, now, error)
        if picture.proved:
            return Done(note=picture.says, evidence={**picture.shown, DATABASE: name})
        if picture.why_not is not None:
            return self._end(database, sync_id, record, picture, picture.why_not)
        if picture.begun and _is_over(record, now):
            return self._end(database, sync_id, record, picture, f"its time is over: {picture.says}")
        if record.phase is StepPhase.ACTED and record.acted_at is not None and now < record.acted_at + _BETWEEN:
            return Wait(until=record.acted_at + _BETWEEN, note=picture.says, evidence=picture.shown)
        return self._go_on(policy, run, record, picture, now)

    def _go_on(self, policy: Policy, run: Run, record: StepRecord, picture: RowsPicture, now: datetime) -> Look:
        """Do the next slice; before the first one it is looked at what would be lost."""
        name, database = _database_of(policy, record)
        sync_id = held_as(run.id, name)
        try:
            checkpoint = self._checkpoint(policy, name)
        except PermanentError as error:
            return self._end(database, sync_id, record, picture, str(error))
        work = partial(self._work, database, checkpoint.key, sync_id)
        if picture.begun:
            return Act(note=picture.says, effect=work, before=picture.shown)
        ahead = self._ahead(name, database, checkpoint, now)
        limitation = loss_limitation(database.loss, ahead, run.agreed)
        if limitation is not None:
            return Stop(phase=StepPhase.REFUSED, note=limitation, evidence=picture.shown)
        return Act(note=ahead.says, effect=partial(work, left_out=ahead.left_out), before=picture.shown)

    def _ahead(self, name: str, database: Database, checkpoint: DatabaseCheckpoint, now: datetime) -> Foreseen:
        """Look ahead; where that takes too long now, what was foreseen some minutes ago counts."""
        try:
            preview = self.previews.preview(name, database, checkpoint.key, _PREVIEW_WITHIN)
        except TransientError:
            if checkpoint.foreseen is None or now > checkpoint.foreseen.at + _FORESEEN_LATELY:
                raise
            return checkpoint.foreseen
        return Foreseen.of(preview, timedelta(0))

    def _checkpoint(self, policy: Policy, name: str) -> DatabaseCheckpoint:
        row = self.ledger.read(policy.workload, CHECKPOINTS)
        found = decode(Checkpoints, row.body).by_database.get(name) if row else None
        if found is None or not found.stands:
            why = f": {found.sentence}" if found else ""
            raise PermanentError(f"there is no checkpoint of {name} that rows could go back to{why}")
        return found

    def _end_unseen(
        self, database: Database, sync_id: str, record: StepRecord, now: datetime, error: ControllerError
    ) -> Look:
        """A side does not answer. In the end writers are let in all the same: for that the target alone is asked.

        Raises:
            ControllerError: there is time to ask again, or nothing was done by it.
        """
        waits = isinstance(error, TransientError) and not _is_over(record, now)
        if waits or not record.acts:
            raise error
        fenced = self.rows.fenced_by(database) == sync_id
        unseen = RowsPicture(begun=True, proved=False, says=str(error), fenced=fenced)
        return self._end(database, sync_id, record, unseen, str(error))

    def _end(self, database: Database, sync_id: str, record: StepRecord, picture: RowsPicture, why: str) -> Look:
        """End without success: first let writers in again, if the policy wants that and they are kept out."""
        if picture.fenced and not database.keep_fence:
            let_go = partial(self.rows.let_go, database, sync_id)
            return Act(note=f"writers are to be let in again on the target: {why}", effect=let_go, before=picture.shown)
        stopped = "; writes on the target stay stopped" if picture.fenced else ""
        phase = StepPhase.FAILED if record.acts else StepPhase.REFUSED
        return Stop(phase=phase, note=f"{why}{stopped}", evidence=picture.shown)

    def _work(
        self, database: Database, checkpoint_id: str, sync_id: str, fence: Fence, left_out: Collection[str] = ()
    ) -> None:
        """Do a slice. What ends it for good is kept with it: the next look says so, and ends it in order.

        What could not be kept ends it here: there is no next look.
        """
        try:
            self.rows.work(database, checkpoint_id, sync_id, fence, left_out)
        except PermanentError:
            picture = self.rows.look(database, sync_id)
            if picture.why_not is not None:
                return
            if picture.fenced and not database.keep_fence:
                self.rows.let_go(database, sync_id, fence)
            raise


def _is_over(record: StepRecord, now: datetime) -> bool:
    return record.give_up_at is not None and now >= record.give_up_at - ENDS_EARLY


def _database_of(policy: Policy, record: StepRecord) -> tuple[str, Database]:
    road = policy.all_roads[record.road]
    if not isinstance(road, DataSyncRoad) or road.data_sync not in policy.databases:
        raise PermanentError(f"{record.road} moves no rows")
    return road.data_sync, policy.databases[road.data_sync]
