"""One effect of a run: the intent before it, with a lease, and the outcome after it, or the doubt that is left.

Both are written by compare-and-set on the run's record. Right before the effect is sent, the fence asks once more
whether the intent is still ours and its time not over.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.engine.held_run import HeldRun, Inside
from shared.engine.records import run_key
from shared.engine.steps.step import LEASE, SEND_WITHIN, Act, Look, Stop, Wait
from shared.errors import Busy, LostRace, OutcomeUnknown, PermanentError, TransientError
from shared.model.event import EventKind
from shared.model.quantity import say_span
from shared.model.run import StepPhase, StepRecord
from shared.ports import Fence

_LOOK_AGAIN = timedelta(seconds=3)
_LONGEST_PAUSE = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class Acting:
    """Has the effects of one worker's pass."""

    held: HeldRun

    def act(self, record: StepRecord, look: Act) -> tuple[StepRecord, Look] | None:
        """Write the intent, have the effect, write the outcome.

        Returns:
            `None` when it was accepted and that is saved; else the step as it stands, and what follows for it.
        """
        in_doubt = record.phase is StepPhase.INTENDED
        record = self._intend(record, look)
        self.held.inside = Inside(record.name, acts=True)
        token, error = _had(look, self._fence(record))
        self.held.inside = None
        match error:
            case None:
                self._acted(record, token)
                return None
            case OutcomeUnknown():
                return self.doubt(record, str(error))
            case TransientError():
                # A second attempt that is refused for now says nothing about the first: the doubt stays.
                return self.doubt(record, str(error)) if in_doubt else self._withdraw(record, error)
            case PermanentError():
                refused = replace(record, refused=record.refused + (0 if in_doubt else 1))
                return refused, Stop(phase=StepPhase.FAILED, note=str(error))

    def doubt(self, record: StepRecord, why: str) -> tuple[StepRecord, Look]:
        """Keep the intent, give the lease back: from now on anybody may find out what happened."""
        note = f"it is not known whether {record.name} took effect: {why}"
        until = self.held.clock() + _pause(record.acts - record.accepted)
        return replace(record, lease_until=None), Wait(until=until, note=note)

    def _fence(self, record: StepRecord) -> Fence:
        held = self.held

        def still_mine() -> None:
            try:
                row = held.ledger.read(held.run.workload, run_key(held.run.id))
            except TransientError as error:  # perhaps one with an unknown outcome: that of the read, not of the effect
                raise TransientError(f"nothing was sent: {error}", retry_after=error.retry_after) from None
            if row is None or row.version != held.version:
                raise LostRace(f"the run was changed before the effect of {record.name}")
            # Asked last: reading took its time.
            if record.intended_at is None or held.clock() > record.intended_at + SEND_WITHIN:
                raise TransientError(
                    f"nothing was sent: what is read before it took longer than {say_span(SEND_WITHIN)}"
                )

        return still_mine

    def _intend(self, record: StepRecord, look: Act) -> StepRecord:
        now = self.held.clock()
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
        self.held.save(replace(self.held.run.with_step(intent), due_at=now + _LOOK_AGAIN))
        return intent

    def _acted(self, record: StepRecord, token: str | None) -> None:
        now = self.held.clock()
        acted = replace(
            record,
            phase=StepPhase.ACTED,
            acted_at=now,
            lease_until=None,
            operation=token,
            accepted=record.accepted + 1,
        )
        event = self.held.event(EventKind.EFFECT_ACCEPTED, f"{record.name} accepted: {record.note}")
        self.held.save(replace(self.held.run.with_step(acted), due_at=now), event)

    def _withdraw(self, record: StepRecord, error: TransientError) -> tuple[StepRecord, Look]:
        """Nothing happened: take the intent back and try again when the other side is ready."""
        now, refused = self.held.clock(), record.refused + 1
        busy_at = now if isinstance(error, Busy) else record.busy_at
        free = replace(
            record, phase=StepPhase.PENDING, lease_until=None, note=str(error), refused=refused, busy_at=busy_at
        )
        until = now + max(error.retry_after, _pause(refused))
        return free, in_time(free, Wait(until=until, note=str(error)), now)


def _had(look: Act, fence: Fence) -> tuple[str | None, TransientError | PermanentError | None]:
    """Have the effect. Returns the token of its operation, and why it was not accepted."""
    try:
        return look.effect(fence), None
    except (TransientError, PermanentError) as error:
        return None, error


def in_time(record: StepRecord, look: Look, now: datetime) -> Look:
    """A step that still waits, or has to act again, when its time is over has failed."""
    if record.give_up_at is None or now < record.give_up_at:
        return look
    match look:
        case Wait():
            return Stop(phase=StepPhase.FAILED, note=f"given up at its deadline: {look.note}", evidence=look.evidence)
        case Act():
            return Stop(phase=StepPhase.FAILED, note=f"given up at its deadline: {record.note}", evidence=look.before)
    return look


def _pause(times: int) -> timedelta:
    """How long to leave the other side alone after it failed so many times: 1, 2, 4, 8 s, then 15 s."""
    return min(timedelta(seconds=2 ** min(times - 1, 10)), _LONGEST_PAUSE)
