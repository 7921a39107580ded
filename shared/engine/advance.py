"""Advances a rollback: durable execution in which one worker at a time may act, and any worker may look.

Each pass asks the planner which steps are live, observes each of them and follows its answer, until all of them wait.
Before an effect the intent is written with a lease, after it the outcome; both by compare-and-set on the run's record.
A worker that loses the race ends quietly. A worker that finds an intent of somebody else looks at the world but leaves
the record alone until the lease has run out, so that the other one can still write its outcome. Nothing here waits: a
run that has to wait stores `due_at`, rings for it, and returns.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.clock import Clock
from shared.decision.roads import Ending, plan, with_opened
from shared.engine.commit import commit_and_ring, ring_rollback
from shared.engine.finish import finishing_writes
from shared.engine.incidents import incident
from shared.engine.levels import Steps
from shared.engine.receipts import Receipts
from shared.engine.records import announce, encode, load_rollback, run_key
from shared.engine.steps.step import LEASE, SEND_WITHIN, Act, Done, Look, Stop, Wait
from shared.errors import Busy, ControllerError, LostRace, NotFound, OutcomeUnknown, PermanentError, TransientError
from shared.model.event import Event, EventKind
from shared.model.policy import Policy
from shared.model.quantity import say_span
from shared.model.rollback import Rollback, RunStatus, StepPhase, StepRecord, workload_of
from shared.ports import Doorbell, Fence, Ledger, Replace, Signer

log = logging.getLogger(__name__)

_LOOK_AGAIN = timedelta(seconds=3)
_LONGEST_PAUSE = timedelta(seconds=15)
# A ring and its run may be timed by two clocks.
_EARLY = timedelta(milliseconds=500)


@dataclass(frozen=True, slots=True)
class Rollbacks:
    """The engine of all levels; without a signer its receipts are not signed."""

    ledger: Ledger
    doorbell: Doorbell
    steps: Steps
    policy_of: Callable[[str], Policy]
    clock: Clock
    signer: Signer | None = None

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
            policy = self.policy_of(run.workload)
        except NotFound:
            return f"rollback {run.id} waits: the policy of {run.workload} is not there, or was refused"
        try:
            return _Advance(self, policy, run, version).go()
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
        if self.run.level not in self.policy.levels.by_number:
            return self._finish(Ending(RunStatus.FAILED, f"the policy has no level {self.run.level} any more"))
        said = None
        while said is None:
            next_up = plan(self.policy, self.run, self.engine.clock())
            if next_up.ending is not None:
                return self._finish(next_up.ending)
            self.run = with_opened(self.run, next_up.opened)
            said = self._round(next_up.live, next_up.again_at)
        return said

    def _round(self, live: Sequence[str], again_at: datetime | None) -> str | None:
        """Look at every live step once. Returns a sentence when the pass ends here, `None` when one got further."""
        until = [again_at] if again_at else []
        leased = [name for name in live if self._leased(self.run.step(name))]
        for name in leased or live:
            record = self._begun(self.run.step(name))
            if record.not_before is not None and record.not_before - _EARLY > self.engine.clock():
                until.append(record.not_before)
                continue
            look = self._observe(record)
            if leased and not isinstance(look, Done):
                return f"rollback {self.run.id}: another worker is acting on {name}"
            waits_until = self._follow(record, look)
            if waits_until is None:
                return None  # what is live may be another thing now: a road that is established ends the race
            until.append(waits_until)
        self._save(replace(self.run, due_at=min(until)))
        ring_rollback(self.engine.doorbell, self.run, self.engine.clock())
        waiting = "; ".join(f"{name}: {self.run.step(name).note}" for name in live)
        return f"rollback {self.run.id} waits in {waiting}"

    def _follow(self, record: StepRecord, look: Look) -> datetime | None:
        """Do what the look asks for. Returns until when this step waits, `None` when it got further."""
        match look:
            case Wait():
                return self._wait(record, look)
            case Act():
                return self._act(record, look)
            case Done():
                self._done(record, look)
            case Stop():
                self._stop(record, look)
        return None

    def _begun(self, record: StepRecord) -> StepRecord:
        return record if record.started_at else replace(record, started_at=self.engine.clock())

    def _observe(self, record: StepRecord) -> Look:
        now = self.engine.clock()
        try:
            step = self.engine.steps.step_of(self.policy, record)
            look = step.observe(self.policy, self.run, record, now)
        except TransientError as error:
            look = Wait(until=now + error.retry_after, note=str(error))
        except PermanentError as error:
            look = Stop(phase=StepPhase.FAILED, note=str(error))
        except ControllerError:
            raise
        except Exception as error:  # noqa: BLE001  # what one road stumbles over must not keep the others
            look = Stop(phase=StepPhase.FAILED, note=incident(f"{self.run.id} {record.name}", error))
        return self._in_time(record, look, now)

    def _in_time(self, record: StepRecord, look: Look, now: datetime) -> Look:
        """A step that still waits, or has to act again, when its time is over has failed."""
        if record.give_up_at is None or now < record.give_up_at:
            return look
        match look:
            case Wait():
                return Stop(
                    phase=StepPhase.FAILED, note=f"given up at its deadline: {look.note}", evidence=look.evidence
                )
            case Act():
                return Stop(
                    phase=StepPhase.FAILED, note=f"given up at its deadline: {record.note}", evidence=look.before
                )
        return look

    def _done(self, record: StepRecord, look: Done) -> None:
        """Record that the step's desired state holds."""
        now = self.engine.clock()
        record = replace(record, phase=StepPhase.DONE, ended_at=now, note=look.note, evidence=dict(look.evidence))
        self._close(record, EventKind.STEP_DONE, f"{record.name}: {look.note}")

    def _wait(self, record: StepRecord, look: Wait) -> datetime:
        """Note why; all that waits is saved as one."""
        evidence = {**record.evidence, **look.evidence}
        until = _by(look.until, record.give_up_at)
        self.run = self.run.with_step(replace(record, note=look.note, evidence=evidence, not_before=until))
        return until

    def _stop(self, record: StepRecord, look: Stop) -> None:
        """Record that this step will not get there; the planner knows what is left."""
        now = self.engine.clock()
        evidence = {**record.evidence, **look.evidence}
        record = replace(record, phase=look.phase, ended_at=now, lease_until=None, note=look.note, evidence=evidence)
        self._close(record, EventKind.STEP_FAILED, f"{record.name} {look.phase}: {look.note}")

    def _close(self, record: StepRecord, kind: EventKind, sentence: str) -> None:
        """Save a step that is over; the last one of a run is saved with the run's end."""
        now = self.engine.clock()
        self.run = replace(self.run.with_step(record), due_at=now)
        if plan(self.policy, self.run, now).ending is None:
            self._save(self.run, self._event(kind, sentence))

    def _leased(self, record: StepRecord) -> bool:
        held = record.lease_until is not None and self.engine.clock() < record.lease_until
        return record.phase is StepPhase.INTENDED and held

    def _act(self, record: StepRecord, look: Act) -> datetime | None:
        """Write the intent, have the effect, write the outcome. Returns until when it waits."""
        in_doubt = record.phase is StepPhase.INTENDED
        record = self._intend(record, look)
        try:
            token = look.effect(self._fence(record))
        except OutcomeUnknown as error:
            return self._doubt(record, error)
        except TransientError as error:
            # A second attempt that is refused for now says nothing about the first: the doubt stays.
            return self._doubt(record, error) if in_doubt else self._withdraw(record, error)
        except PermanentError as error:
            refused = replace(record, refused=record.refused + (0 if in_doubt else 1))
            self._stop(refused, Stop(phase=StepPhase.FAILED, note=str(error)))
        except ControllerError:
            raise
        except Exception as error:  # noqa: BLE001  # nobody knows how far it came
            return self._doubt(record, OutcomeUnknown(incident(f"{self.run.id} {record.name}", error)))
        else:
            self._acted(record, token)
        return None

    def _fence(self, record: StepRecord) -> Fence:
        def still_mine() -> None:
            try:
                row = self.engine.ledger.read(self.run.workload, run_key(self.run.id))
            except TransientError as error:  # perhaps one with an unknown outcome: that of the read, not of the effect
                raise TransientError(f"nothing was sent: {error}", retry_after=error.retry_after) from None
            if row is None or row.version != self.version:
                raise LostRace(f"the run was changed before the effect of {record.name}")
            # Asked last: reading took its time.
            if record.intended_at is None or self.engine.clock() > record.intended_at + SEND_WITHIN:
                raise TransientError(
                    f"nothing was sent: what is read before it took longer than {say_span(SEND_WITHIN)}"
                )

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
            not_before=None,
            note=look.note,
            acts=record.acts + 1,
        )
        self._save(replace(self.run.with_step(intent), due_at=now + _LOOK_AGAIN))
        return intent

    def _acted(self, record: StepRecord, token: str | None) -> None:
        now = self.engine.clock()
        acted = replace(
            record,
            phase=StepPhase.ACTED,
            acted_at=now,
            lease_until=None,
            operation=token,
            accepted=record.accepted + 1,
        )
        event = self._event(EventKind.EFFECT_ACCEPTED, f"{record.name} accepted: {record.note}")
        self._save(replace(self.run.with_step(acted), due_at=now), event)

    def _doubt(self, record: StepRecord, error: TransientError) -> datetime:
        """Keep the intent, give the lease back: from now on anybody may find out what happened."""
        note = f"it is not known whether {record.name} took effect: {error}"
        until = _by(self.engine.clock() + _pause(record.acts), record.give_up_at)
        self.run = self.run.with_step(replace(record, lease_until=None, note=note, not_before=until))
        return until

    def _withdraw(self, record: StepRecord, error: TransientError) -> datetime | None:
        """Nothing happened: take the intent back and try again when the other side is ready."""
        now, refused = self.engine.clock(), record.refused + 1
        busy_at = now if isinstance(error, Busy) else record.busy_at
        free = replace(
            record, phase=StepPhase.PENDING, lease_until=None, note=str(error), refused=refused, busy_at=busy_at
        )
        until = now + max(error.retry_after, _pause(refused))
        return self._follow(free, self._in_time(free, Wait(until=until, note=str(error)), now))

    def _finish(self, ending: Ending) -> str:
        now = self.engine.clock()
        ledger = self.engine.ledger
        receipts = Receipts(ledger, self.engine.signer)
        finish = finishing_writes(ledger, receipts, self.policy, self.run, self.version, ending, now)
        commit_and_ring(self.engine.ledger, self.engine.doorbell, self.run.workload, finish.writes)
        log.info("%s: %s", self.run.id, finish.run.outcome)
        return finish.run.outcome

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


def _by(until: datetime, deadline: datetime | None) -> datetime:
    """Wait no longer than to the deadline: whatever comes after this step must not wait for it."""
    return until if deadline is None else min(until, deadline)


def _pause(times: int) -> timedelta:
    """How long to leave the other side alone after it failed so many times: 1, 2, 4, 8 s, then 15 s."""
    return min(timedelta(seconds=2 ** min(times - 1, 10)), _LONGEST_PAUSE)
