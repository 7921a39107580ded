"""Keeps checkpoints of databases: one is taken when a change begins, watched while it can be gone back to, and ended.

Desired state: a change that is in progress has a checkpoint of every database of its policy. A ring asks for it at
once, a timer again each minute. What cannot be taken is refused by name and told; so is what was lost. A pass of a
workload without databases costs nothing, any other one scan and, when something has changed, one commit. What people
are asked about the rows is in that commit, too: who answers should never have to look again for what was known.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from shared.clock import Clock
from shared.decision.checkpoints import begun, ended, is_untidy, looked_at, postponed, unnamed, wanted, with_foreseen
from shared.decision.data_limits import brought_back, preview_every
from shared.engine.asking import Asking
from shared.engine.commit import commit_and_ring
from shared.engine.incidents import outcomes_of
from shared.engine.records import ACTIVE, CHECKPOINTS, Snapshot, announce, load_run, snapshot
from shared.errors import ControllerError, LostRace
from shared.model.change import ChangeStatus
from shared.model.checkpoint import Checkpoints, CheckpointStatus, DatabaseCheckpoint, Foreseen, held_as
from shared.model.conninfo import place_name
from shared.model.event import Event, EventKind
from shared.model.policy import Policy, policy_of
from shared.model.policy_data import Database
from shared.model.run import workload_of
from shared.ports import Checkpointing, Doorbell, Ledger, Previews, RowsBack, Write

log = logging.getLogger(__name__)

_PREVIEW_WITHIN = timedelta(seconds=30)
_TOLD = {
    CheckpointStatus.TAKEN: EventKind.CHECKPOINT_TAKEN,
    CheckpointStatus.REFUSED: EventKind.CHECKPOINT_REFUSED,
    CheckpointStatus.LOST: EventKind.CHECKPOINT_LOST,
}


@dataclass(frozen=True, slots=True)
class CheckpointKeeper:
    """The use case of checkpoints. `pool` looks after several workloads at once."""

    ledger: Ledger
    doorbell: Doorbell
    checkpointing: Checkpointing
    rows: RowsBack
    previews: Previews
    policies: Callable[[], Mapping[str, Policy]]
    clock: Clock
    pool: Executor
    asking: Asking

    def run(self) -> list[str]:
        """Look after all workloads. What goes wrong with one is its own and disturbs no other.

        Returns:
            One sentence per workload that has databases.
        """
        named = [name for name, policy in self.policies().items() if policy.databases]
        tasks = {name: self.pool.submit(self.keep, name) for name in named}
        return [_said(name, outcome) for name, outcome in outcomes_of(tasks, "checkpoints").items()]

    def keep(self, workload: str) -> Checkpoints:
        """Bring the checkpoints of a workload to where they should be now.

        Raises:
            NotFound: no such workload.
            TransientError, PermanentError: the storage does not answer; a record cannot be read.
        """
        policy = policy_of(self.policies(), workload)
        found = snapshot(self.ledger, workload)
        kept = {name: self._one(policy, found, name, database) for name, database in policy.databases.items()}
        named = {name: _placed(one, policy.databases[name]) for name, one in kept.items() if one is not None}
        after = Checkpoints(by_database=named | self._unnamed(policy, found))
        if after != found.checkpoints:
            self._save(policy, found, after)
        return after

    def of(self, workload: str) -> Checkpoints:
        """Return the checkpoints of a workload as they were last seen. Raises what `keep` raises."""
        policy = policy_of(self.policies(), workload)
        found = snapshot(self.ledger, workload).checkpoints
        named = {name: one for name, one in found.by_database.items() if name in policy.databases}
        return Checkpoints(by_database=named | unnamed(policy, found))

    def _one(self, policy: Policy, found: Snapshot, name: str, database: Database) -> DatabaseCheckpoint | None:
        """Return how one checkpoint stands after what was done for it; as it was, when a side does not answer."""
        before, now = found.checkpoints.by_database.get(name), self.clock()
        aim = wanted(found.change, before)
        if _is_left_alone(policy, found):
            return before
        if aim is None:
            return self._tidied(database, before, now)
        try:
            self._let_in(found, database)
            if _is_completed(found):
                return self._end(database, before, now)
            return self._kept(found, name, database, aim)
        except ControllerError as error:
            log.warning("checkpoint %s of %s: %s", aim, name, error)
            return postponed(before, name, aim, str(error), now)

    def _kept(self, found: Snapshot, name: str, database: Database, aim: str) -> DatabaseCheckpoint:
        """Take it, or look whether it still holds; and what going back would do."""
        before, now = found.checkpoints.by_database.get(name), self.clock()
        if before is None or before.id != aim or not before.stands:
            since = found.change.started_at if found.change else now
            kept = begun(before, name, aim, self.checkpointing.begin(database, held_as(aim, name)), since, now)
        else:
            kept = looked_at(before, self.checkpointing.watch(database, before.key), self.clock())
        return self._foreseen(found, name, database, kept) if kept.stands else kept

    def _end(self, database: Database, before: DatabaseCheckpoint | None, now: datetime) -> DatabaseCheckpoint | None:
        if before is None or before.status is CheckpointStatus.ENDED:
            return before
        for key in (*before.earlier, before.key):
            self.checkpointing.end(database, key)
        return ended(before, now)

    def _tidied(self, database: Database, over: DatabaseCheckpoint | None, now: datetime) -> DatabaseCheckpoint | None:
        """Drop what is kept past its time, though nobody watches any more; who does not answer is asked again later."""
        if over is None or not is_untidy(over, database.keep_images, now):
            return over
        try:
            self.checkpointing.end(database, over.key)
        except ControllerError as error:
            log.info("what is kept of %s: %s", over.database, error)
        return replace(over, looked_at=now)

    def _unnamed(self, policy: Policy, found: Snapshot) -> dict[str, DatabaseCheckpoint]:
        """Return what is left of databases that the policy does not name any more.

        What it calls otherwise by now is ended with the change; what it does not lead to at all is left to people.
        """
        left = unnamed(policy, found.checkpoints)
        if not _is_completed(found) or _is_left_alone(policy, found):
            return left
        led_to = {place_name(one.target): one for one in policy.databases.values()}
        return {name: one for name, one in left.items() if not self._is_ended(led_to.get(one.place), one)}

    def _is_ended(self, database: Database | None, left: DatabaseCheckpoint) -> bool:
        if database is None or not left.place:
            return False
        try:
            self._end(database, left, self.clock())
        except ControllerError as error:
            log.warning("checkpoint %s of %s: %s", left.id, left.database, error)
            return False
        return True

    def _let_in(self, found: Snapshot, database: Database) -> None:
        """Let writers in again that a run keeps out which has ended without its rows: nobody else would.

        Rows that are back keep them out: what they wrote now would be on one side alone.
        """
        sync_id = self.rows.fenced_by(database)
        run_id, name = sync_id.rpartition(":")[::2]
        if database.keep_fence or workload_of(run_id) != found.workload:  # one that people do by hand is theirs
            return
        loaded = load_run(self.ledger, found.workload, run_id)
        if loaded is None or not loaded[0].status.ended or brought_back(loaded[0], name):
            return
        log.warning("%s: run %s has ended and keeps writers out: they are let in again", found.workload, run_id)
        self.rows.let_go(database, sync_id, partial(self._demand_idle, found.workload))

    def _demand_idle(self, workload: str) -> None:
        """A run that has begun meanwhile keeps writers out for reasons of its own."""
        row = self.ledger.read(workload, ACTIVE)
        if row is not None:
            raise LostRace(f"a run has begun on {workload}")

    def _foreseen(self, found: Snapshot, name: str, database: Database, seen: DatabaseCheckpoint) -> DatabaseCheckpoint:
        """Return it with what going back would do, looked at again when it is time; sooner while people decide."""
        last, now = seen.foreseen, self.clock()
        asked = found.ask is not None and bool(found.ask.preview)
        over = found.change is not None and not found.change.in_progress
        if last is not None and now < last.at + preview_every(last.cost, asked=asked, over=over):
            return seen
        try:
            preview = self.previews.preview(name, database, seen.key, _PREVIEW_WITHIN)
        except ControllerError as error:  # what was seen of the checkpoint counts all the same
            log.warning("preview of %s: %s", name, error)
            return seen
        return replace(seen, foreseen=Foreseen.of(preview, self.clock() - now))

    def _save(self, policy: Policy, found: Snapshot, after: Checkpoints) -> None:
        events: list[Write] = []
        for name, one in after.by_database.items():
            before, kind = found.checkpoints.by_database.get(name), _TOLD.get(one.status)
            if kind is not None and (before is None or _came_to(before) != _came_to(one)):
                event = Event(workload=policy.workload, kind=kind, at=one.since, sentence=one.sentence, about=one.id)
                events += announce(event, policy.notify)
        try:
            self._commit(policy, found, after, events)
        except LostRace:
            log.info("%s: its checkpoints were looked after by somebody else", policy.workload)
            self._save_foreseen(policy, after)

    def _save_foreseen(self, policy: Policy, mine: Checkpoints) -> None:
        """Somebody else was faster, and what they saw counts; a look ahead is not done in vain all the same."""
        found = snapshot(self.ledger, policy.workload)
        after = with_foreseen(found.checkpoints, mine)
        if after == found.checkpoints or _is_left_alone(policy, found):
            return
        try:
            self._commit(policy, found, after, [])
        except LostRace:
            log.info("%s: it is looked ahead again", policy.workload)

    def _commit(self, policy: Policy, found: Snapshot, after: Checkpoints, events: Sequence[Write]) -> None:
        asked = self.asking.anew(policy, replace(found, checkpoints=after))
        commit_and_ring(self.ledger, self.doorbell, policy.workload, [found.save(CHECKPOINTS, after), *asked, *events])


def _is_completed(found: Snapshot) -> bool:
    return found.change is not None and found.change.status is ChangeStatus.COMPLETED


def _is_left_alone(policy: Policy, found: Snapshot) -> bool:
    """What goes back now is not meddled with; whoever only observes changes no database."""
    return bool(found.rolling_back) or policy.guards.observe_only


def _placed(one: DatabaseCheckpoint, database: Database) -> DatabaseCheckpoint:
    return replace(one, place=place_name(database.target))


def _came_to(one: DatabaseCheckpoint) -> tuple[str, CheckpointStatus, datetime]:
    """What is told once: also what is refused for another reason than before."""
    return one.id, one.status, one.since


def _said(workload: str, outcome: Checkpoints | ControllerError) -> str:
    if isinstance(outcome, ControllerError):
        log.error("%s: its checkpoints were not looked after: %s", workload, outcome)
        return f"{workload}: its checkpoints were not looked after: {outcome}"
    said = "; ".join(one.sentence for one in outcome.by_database.values())
    return f"{workload}: {said or 'no change, and no checkpoint'}"
