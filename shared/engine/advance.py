"""Advances a rollback: durable execution in which one worker at a time may act, and any worker may look.

Each pass asks the planner which steps are live, observes each of them and follows its answer, until all of them wait.
An effect has its intent before it and its outcome after it (`acting.py`), by compare-and-set on the run's record. A
worker that loses the race ends quietly. A worker that finds an intent of somebody else looks at the world but leaves
the record alone until the lease has run out, so that the other one can still write its outcome. Nothing here waits: a
run that has to wait stores `due_at`, rings for it, and returns.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.clock import Clock
from shared.decision.planned import planned
from shared.decision.planning import plan
from shared.decision.roads import Ending, has_changed, with_opened
from shared.engine.acting import Acting, in_time
from shared.engine.commit import commit_and_ring, ring_rollback
from shared.engine.finish import finishing_writes
from shared.engine.finish_drill import drill_finishing_writes
from shared.engine.finish_promotion import promotion_finishing_writes
from shared.engine.held_run import HeldRun, Inside
from shared.engine.levels import Steps
from shared.engine.receipts import Receipts
from shared.engine.records import load_run
from shared.engine.rehearsals import record_rehearsal
from shared.engine.steps.step import Act, Done, Look, Stop, Wait
from shared.errors import LostRace, NotFound, PermanentError, TransientError
from shared.model.event import EventKind
from shared.model.policy import Policy
from shared.model.readiness import Rehearsal
from shared.model.run import Run, RunKind, RunStatus, StepPhase, StepRecord, workload_of
from shared.ports import Doorbell, Ledger, Signer

log = logging.getLogger(__name__)

# A ring and its run may be timed by two clocks.
_EARLY = timedelta(milliseconds=500)
_FINISHING = {
    RunKind.ROLLBACK: finishing_writes,
    RunKind.PROMOTION: promotion_finishing_writes,
    RunKind.DRILL: drill_finishing_writes,
}


@dataclass(frozen=True, slots=True)
class Runs:
    """The engine of all levels; without a signer its receipts are not signed."""

    ledger: Ledger
    doorbell: Doorbell
    steps: Steps
    policy_of: Callable[[str], Policy]
    clock: Clock
    signer: Signer | None = None

    def take_up(self, rollback_id: str) -> "Pass | str":
        """Take up a run, to take it as far as it goes now.

        Returns:
            A worker's pass over it, or one sentence that says why there is nothing to do now.

        Raises:
            NotFound: there is no such rollback.
            TransientError: the storage does not answer; ring again.
        """
        workload = workload_of(rollback_id)
        found = load_run(self.ledger, workload, rollback_id) if workload else None
        if found is None:
            raise NotFound(f"there is no rollback {rollback_id[:80]!r}")
        run, version = found
        if run.status.ended:
            return f"rollback {run.id} has ended: {run.outcome}"
        if run.due_at - _EARLY > self.clock():
            return f"rollback {run.id} is not due before {run.due_at:%H:%M:%S}"
        try:
            policy = planned(self.policy_of(run.workload), run.level, run.strategy)
        except NotFound:
            return f"rollback {run.id} waits: the policy of {run.workload} is not there, or was refused"
        return Pass(HeldRun(self.ledger, self.doorbell, self.clock, policy, run, version), self.steps, self.signer)


@dataclass(frozen=True, slots=True)
class Pass:
    """One worker's pass over one run."""

    held: HeldRun
    steps: Steps
    signer: Signer | None

    @property
    def _run(self) -> Run:
        return self.held.run

    def go(self, stumbled_over: str | None = None) -> str:
        """Take the run as far as it goes now.

        Args:
            stumbled_over: what came out of the code of a step in the go before this one, and nobody foresaw, as a
                sentence. The run goes on behind it.

        Returns:
            One sentence that says how it stands.

        Raises:
            TransientError: the storage does not answer; ring again.
        """
        try:
            if stumbled_over is not None:
                self._stumbled(stumbled_over)
            return self._go()
        except LostRace:
            return f"rollback {self._run.id} was advanced by another worker"

    @property
    def in_a_step(self) -> bool:
        """Whether what comes out of `go` comes out of the code of a step."""
        return self.held.inside is not None

    def _stumbled(self, why: str) -> None:
        """Give what nobody foresaw a meaning that there is a rule for.

        Nobody knows how far an effect came: it is in doubt, and the world is read. What cannot even be looked at has
        failed: behind it come the other roads and the next level.
        """
        inside, self.held.inside = self.held.inside, None
        if inside is None:
            return
        record = self._begun(self._run.step(inside.step))
        if inside.acts:
            self._follow(*Acting(self.held).doubt(record, why))
        else:
            self._follow(record, Stop(phase=StepPhase.FAILED, note=why))

    def _go(self) -> str:
        held = self.held
        said = None
        while said is None:
            next_up = plan(held.policy, self._run, held.clock())
            if next_up.ending is not None:
                return self._finish(next_up.ending)
            held.run = with_opened(self._run, next_up.opened)
            said = self._round(next_up.live, next_up.again_at)
        return said

    def _round(self, live: Sequence[str], again_at: datetime | None) -> str | None:
        """Look at every live step once. Returns a sentence when the pass ends here, `None` when one got further."""
        held = self.held
        until = [again_at] if again_at else []
        leased = [name for name in live if self._leased(self._run.step(name))]
        for name in leased or live:
            record = self._begun(self._run.step(name))
            if record.not_before is not None and record.not_before - _EARLY > held.clock():
                until.append(record.not_before)
                continue
            look = self._observe(record)
            if leased and not isinstance(look, Done):
                return f"rollback {self._run.id}: another worker is acting on {name}"
            waits_until = self._follow(record, look)
            if waits_until is None:
                return None  # what is live may be another thing now: a road that is established ends the race
            until.append(waits_until)
        held.save(replace(self._run, due_at=min(until)))
        ring_rollback(held.doorbell, self._run, held.clock())
        waiting = "; ".join(f"{name}: {self._run.step(name).note}" for name in live)
        return f"rollback {self._run.id} waits in {waiting}"

    def _leased(self, record: StepRecord) -> bool:
        lasts = record.lease_until is not None and self.held.clock() < record.lease_until
        return record.phase is StepPhase.INTENDED and lasts

    def _begun(self, record: StepRecord) -> StepRecord:
        return record if record.started_at else replace(record, started_at=self.held.clock())

    def _observe(self, record: StepRecord) -> Look:
        now = self.held.clock()
        self.held.inside = Inside(record.name, acts=False)
        try:
            step = self.steps.step_of(self.held.policy, self._run, record)
            look = step.observe(self.held.policy, self._run, record, now)
        except TransientError as error:
            look = Wait(until=now + error.retry_after, note=str(error))
        except PermanentError as error:
            look = Stop(phase=StepPhase.FAILED, note=str(error))
        self.held.inside = None
        return in_time(record, look, now)

    def _follow(self, record: StepRecord, look: Look) -> datetime | None:
        """Do what the look asks for. Returns until when this step waits, `None` when it got further."""
        match look:
            case Wait():
                return self._wait(record, look)
            case Act() if self._run.kind is RunKind.DRILL:
                self._done(record, Done(note=f"would be done: {look.note}", evidence=look.before))
            case Act():
                left = Acting(self.held).act(record, look)
                return self._follow(*left) if left else None
            case Done():
                self._done(record, look)
            case Stop():
                self._stop(record, look)
        return None

    def _wait(self, record: StepRecord, look: Wait) -> datetime:
        """Note why; all that waits is saved as one. Nothing waits past its deadline: something may come after it."""
        evidence = {**record.evidence, **look.evidence}
        until = look.until if record.give_up_at is None else min(look.until, record.give_up_at)
        held, record = self.held, replace(record, note=look.note, evidence=evidence, not_before=until)
        held.note(record)
        if look.tells:  # at once, so that the evidence of it is in the same commit
            held.save(replace(self._run, due_at=until), held.event(EventKind.HELD, look.tells))
        return until

    def _done(self, record: StepRecord, look: Done) -> None:
        """Record that the step's desired state holds."""
        now = self.held.clock()
        record = replace(record, phase=StepPhase.DONE, ended_at=now, note=look.note, evidence=dict(look.evidence))
        self._close(record, EventKind.STEP_DONE, f"{record.name}: {look.note}")

    def _stop(self, record: StepRecord, look: Stop) -> None:
        """Record that this step will not get there; the planner knows what is left."""
        now = self.held.clock()
        evidence = {**record.evidence, **look.evidence}
        record = replace(record, phase=look.phase, ended_at=now, lease_until=None, note=look.note, evidence=evidence)
        self._close(record, EventKind.STEP_FAILED, f"{record.name} {look.phase}: {look.note}")

    def _close(self, record: StepRecord, kind: EventKind, sentence: str) -> None:
        """Save a step that is over; the last one of a run is saved with the run's end."""
        held, now = self.held, self.held.clock()
        held.run = replace(self._run.with_step(record), due_at=now)
        if plan(held.policy, self._run, now).ending is None:
            held.save(self._run, held.event(kind, sentence))

    def _finish(self, ending: Ending) -> str:
        held, now = self.held, self.held.clock()
        receipts = Receipts(held.ledger, self.signer)
        finishing = _FINISHING[self._run.kind]
        finish = finishing(held.ledger, receipts, held.policy, self._run, held.version, ending, now)
        if finish.run.rehearses:  # before the end, so that it is done again by whoever ends it again
            rehearsal = Rehearsal(at=now, ok=_rehearsed(finish.run), sentence=finish.run.outcome)
            record_rehearsal(held.ledger, finish.run.rehearses, finish.run.level, rehearsal)
        commit_and_ring(held.ledger, held.doorbell, self._run.workload, finish.writes)
        log.info("%s: %s", self._run.id, finish.run.outcome)
        return finish.run.outcome


def _rehearsed(run: Run) -> bool:
    """A rollback on a safe target that found nothing to do has shown nothing."""
    return run.status is RunStatus.VERIFIED and (run.kind is RunKind.DRILL or has_changed(run))
