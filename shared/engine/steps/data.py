"""Rows go back: a step that takes many slices, each of them safe to do twice.

What is done is in the databases themselves, so that a doubt about a slice is ended by doing the next one.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from shared.engine.steps.step import Act, Done, Look, Stop, Wait
from shared.errors import PermanentError
from shared.model.policy import Policy
from shared.model.policy_roads import DataSyncRoad
from shared.model.run import Run, StepPhase, StepRecord
from shared.ports import Fence, RowsBack

# A slice is a message of its own: the function that did one ends, and is rung for the next.
_BETWEEN = timedelta(milliseconds=200)


@dataclass(frozen=True, slots=True)
class SyncRows:
    """Desired state: the source holds every row that the target holds, and it is proved."""

    rows: RowsBack

    def observe(self, policy: Policy, run: Run, record: StepRecord, now: datetime) -> Look:
        road = policy.all_roads[record.road]
        if not isinstance(road, DataSyncRoad):
            raise PermanentError(f"{record.road} moves no rows")
        database = policy.databases[road.data_sync]
        picture = self.rows.look(database, checkpoint_of(run, road), run.id)
        if picture.proved:
            return Done(note=picture.says, evidence=picture.shown)
        if picture.why_not is not None:
            phase = StepPhase.FAILED if record.acts else StepPhase.REFUSED
            return Stop(phase=phase, note=picture.why_not, evidence=picture.shown)
        if record.phase is StepPhase.ACTED and record.acted_at is not None and now < record.acted_at + _BETWEEN:
            return Wait(until=record.acted_at + _BETWEEN, note=picture.says, evidence=picture.shown)
        work = partial(self._work, policy, road, run)
        return Act(note=picture.says, effect=work, before=picture.shown)

    def _work(self, policy: Policy, road: DataSyncRoad, run: Run, fence: Fence) -> None:
        self.rows.work(policy.databases[road.data_sync], checkpoint_of(run, road), run.id, fence)


def checkpoint_of(run: Run, road: DataSyncRoad) -> str:
    """Return the name of the checkpoint that a database goes back to."""
    return road.data_sync
