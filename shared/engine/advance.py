"""Advances a rollback: durable execution in which one worker at a time may act, and any worker may look.

Each pass observes the current step and follows its answer. Before an effect the intent is written with a lease,
after it the outcome; both by compare-and-set on the run's record. A worker that loses the race ends quietly. A worker
that finds an intent of somebody else looks at the world but leaves the record alone until the lease has run out, so
that the other one can still write its outcome. Nothing here waits: a run that has to wait stores `due_at`, rings for
it, and returns.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.clock import Clock
from shared.engine.commit import commit_and_ring, ring_rollback
from shared.engine.finish import finishing_writes
from shared.engine.records import announce, encode, load_rollback, run_key
from shared.engine.steps.step import LEASE, SEND_WITHIN, Act, Done, Fence, Look, Step, Stop, Wait
from shared.errors import LostRace, NotFound, OutcomeUnknown, PermanentError, TransientError
from shared.model.event import Event, EventKind
from shared.model.policy import Policy
from shared.model.quantity import say_span
from shared.model.rollback import Rollback, RunStatus, StepPhase, StepRecord, workload_of
from shared.ports import Doorbell, Ledger, Replace

log = logging.getLogger(__name__)

_LOOK_AGAIN = timedelta(seconds=3)
# A ring and its run may be timed by two clocks.
_EARLY = timedelta(milliseconds=500)


@dataclass(frozen=True, slots=True)
class Rollbacks:
    """The engine of all levels."""

    ledger: Ledger
    doorbell: Doorbell
    steps: Mapping[str, Step]
    policy_of: Callable[[str], Policy]
    clock: Clock

    def advance(self, rollback_id: str) -> str:
        """Take a run as far as it goes now.

        Returns:
            One sentence that says how it stands.

        Raises:
            NotFound: there is no such rollback.
            TransientError: the storage does not answer; ring again.
        """
        workload = workload_of(rollback_id)
        found = load_rollback(self.ledger, workload, rollback_id) if workload else None
        if found is None:
            raise NotFound(f"there is no rollback {rollback_id[:80]!r}")
        run, version = found
        if run.status.ended:
            return f"rollback {run.id} has ended: {run.outcome}"
        if run.due_at - _EARLY > self.clock():
            return f"rollback {run.id} is not due before {run.due_at:%H:%M:%S}"
        try:
            return _Advance(self, self.policy_of(run.workload), run, version).go()
        except LostRace:
            return f"rollback {run.id} was advanced by another worker"


class _Advance:
    """One worker's pass over one run, with the version of the record that it last read or wrote."""

    def __init__(self, engine: Rollbacks, policy: Policy, run: Rollback, version: str) -> None:
        self.engine = engine
        self.policy = policy
        self.run = run
        self.version = version

    def go(self) -> str:
        said = None
        while said is None:
            record = self._begun(self.run.current)
            said = self._follow(record, self._observe(record))
        return said

    def _follow(self, record: StepRecord, look: Look) -> str | None:
        """Do what the look asks for. Returns a sentence when the pass ends here."""
        match look:
            case Done():
                return self._done(record, look)
            case _ if self._leased(record):
                return f"rollback {self.run.id}: another worker is acting on {record.name}"
            case Wait():
                return self._wait(record, look)
            case Stop():
                return self._end(record, look)
            case Act():
                return self._act(record, look)

    def _begun(self, record: StepRecord) -> StepRecord:
        return record if record.started_at else replace(record, started_at=self.engine.clock())

    def _observe(self, record: StepRecord) -> Look:
        step, now = self.engine.steps[record.name], self.engine.clock()
        try:
            look = step.observe(self.policy, self.run, record, now)
        except TransientError as error:
            look = Wait(until=now + error.retry_after, note=str(error))
        except PermanentError as error:
            look = Stop(status=RunStatus.FAILED, note=str(error))
        if isinstance(look, Wait) and now >= self._deadline():
            return Stop(status=RunStatus.FAILED, note=f"given up at its deadline: {look.note}", evidence=look.evidence)
        return look

    def _deadline(self) -> datetime:
        level = self.policy.levels.traffic
        return self.run.created_at + level.swap_give_up_after + level.verify.give_up_after

    def _done(self, record: StepRecord, look: Done) -> str | None:
        """Record that the step's desired state holds. Returns the outcome when that ended the run."""
        now = self.engine.clock()
        record = replace(record, phase=StepPhase.DONE, ended_at=now, note=look.note, evidence=dict(look.evidence))
        run = replace(self.run.with_step(record), due_at=now)
        if run.all_done:
            self._finish(run, RunStatus.VERIFIED, look.note)
            return self.run.outcome
        self._save(run, self._event(EventKind.STEP_DONE, f"{record.name}: {look.note}"))
        return None

    def _wait(self, record: StepRecord, look: Wait) -> str:
        evidence = {**record.evidence, **look.evidence}
        record = replace(record, note=look.note, evidence=evidence)
        self._save(replace(self.run.with_step(record), due_at=look.until))
        self._ring()
        return f"rollback {self.run.id} waits in {record.name}: {look.note}"

    def _end(self, record: StepRecord, look: Stop) -> str:
        evidence = {**record.evidence, **look.evidence}
        record = replace(record, ended_at=self.engine.clock(), note=look.note, evidence=evidence)
        self._finish(self.run.with_step(record), look.status, look.note)
        return self.run.outcome

    def _leased(self, record: StepRecord) -> bool:
        held = record.lease_until is not None and self.engine.clock() < record.lease_until
        return record.phase is StepPhase.INTENDED and held

    def _act(self, record: StepRecord, look: Act) -> str | None:
        """Write the intent, have the effect, write the outcome. Returns a sentence when the pass ends here."""
        in_doubt = record.phase is StepPhase.INTENDED
        record = self._intend(record, look)
        try:
            token = look.effect(self._fence(record))
        except OutcomeUnknown as error:
            return self._doubt(record, str(error))
        except TransientError as error:
            # A second attempt that is refused for now says nothing about the first: the doubt stays.
            return self._doubt(record, str(error)) if in_doubt else self._withdraw(record, error)
        except PermanentError as error:
            released = replace(record, phase=StepPhase.PENDING, lease_until=None)
            return self._end(released, Stop(status=RunStatus.FAILED, note=str(error)))
        self._acted(record, token)
        return None

    def _fence(self, record: StepRecord) -> Fence:
        def still_mine() -> None:
            if record.intended_at is None or self.engine.clock() > record.intended_at + SEND_WITHIN:
                raise LostRace(f"the lease on {record.name} ran out before the effect")

        return still_mine

    def _intend(self, record: StepRecord, look: Act) -> StepRecord:
        now = self.engine.clock()
        intent = replace(
            record,
            phase=StepPhase.INTENDED,
            intended_at=now,
            lease_until=now + LEASE,
            before=dict(look.before),
            evidence={},
            note=look.note,
            acts=record.acts + 1,
        )
        self._save(replace(self.run.with_step(intent), due_at=now + _LOOK_AGAIN))
        return intent

    def _acted(self, record: StepRecord, token: str | None) -> None:
        now = self.engine.clock()
        acted = replace(record, phase=StepPhase.ACTED, acted_at=now, lease_until=None, operation=token)
        self._save(
            replace(self.run.with_step(acted), due_at=now),
            self._event(EventKind.EFFECT_ACCEPTED, f"{record.name} accepted: {record.note}"),
        )

    def _doubt(self, record: StepRecord, why: str) -> str:
        """Keep the intent, give the lease back: from now on anybody may find out what happened."""
        note = f"it is not known whether {record.name} took effect: {why}"
        self._save(
            replace(
                self.run.with_step(replace(record, lease_until=None, note=note)),
                due_at=self.engine.clock() + timedelta(seconds=1),
            )
        )
        self._ring()
        return f"rollback {self.run.id}: {note}"

    def _withdraw(self, record: StepRecord, error: TransientError) -> str:
        """Nothing happened: take the intent back and try again when the other side is ready."""
        free = replace(record, phase=StepPhase.PENDING, lease_until=None, note=str(error))
        now = self.engine.clock()
        if now >= self._deadline():
            return self._end(free, Stop(status=RunStatus.FAILED, note=f"given up at its deadline: {error}"))
        self._save(replace(self.run.with_step(free), due_at=now + error.retry_after))
        self._ring()
        return f"rollback {self.run.id} waits in {record.name}: {error}"

    def _finish(self, run: Rollback, status: RunStatus, note: str) -> None:
        now = self.engine.clock()
        took = "" if status is RunStatus.REFUSED else f"; {_against_budget(run, self.policy, now)}"
        outcome = f"level {run.level} {status}: {note}{took}"
        ended = replace(run, status=status, ended_at=now, outcome=outcome)
        log.info("%s: %s", ended.id, outcome)
        writes = finishing_writes(self.engine.ledger, self.policy, ended, self.version)
        commit_and_ring(self.engine.ledger, self.engine.doorbell, run.workload, writes)
        self.run = ended

    def _save(self, run: Rollback, *events: Event) -> None:
        key = run_key(run.id)
        announced = [write for event in events for write in announce(event, self.policy.notify)]
        versions = commit_and_ring(
            self.engine.ledger,
            self.engine.doorbell,
            run.workload,
            [Replace(key, encode(run), self.version), *announced],
        )
        self.version = versions[key]
        self.run = run

    def _event(self, kind: EventKind, sentence: str) -> Event:
        log.info("%s: %s", self.run.id, sentence)
        return Event(
            workload=self.run.workload, kind=kind, at=self.engine.clock(), sentence=sentence, about=self.run.id
        )

    def _ring(self) -> None:
        ring_rollback(self.engine.doorbell, self.run, self.engine.clock())


def _against_budget(run: Rollback, policy: Policy, now: datetime) -> str:
    took = now - run.created_at
    budget = policy.levels.traffic.budget
    verdict = "within" if took <= budget else "over"
    return f"{say_span(took)}, {verdict} its budget of {say_span(budget)}"
