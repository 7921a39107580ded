"""What a person does to rollbacks: starts one, lets a higher level take the place of a lower one, cancels one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from shared.clock import Clock
from shared.decision.guards import Situation, rollback_limitation
from shared.engine.commit import commit_and_ring
from shared.engine.receipts import Receipts
from shared.engine.records import (
    ACTIVE,
    LAST,
    Active,
    Snapshot,
    announce,
    decode,
    encode,
    load_rollback,
    run_key,
    snapshot,
)
from shared.engine.start import (
    envelope_writes,
    last_of,
    last_of_unread,
    leased_until,
    new_rollback,
    starting_writes,
    swap_sent_at,
    unread_rollback,
)
from shared.errors import LostRace, NotFound, PermanentError, Refused
from shared.model.event import Event
from shared.model.policy import Notify, Policy, policy_of
from shared.model.rollback import Rollback, RunStatus, StepPhase, StepRecord, workload_of
from shared.ports import Delete, Doorbell, Ledger, Put, Replace, Signer, Write

_TRIES = 5


@dataclass(frozen=True, slots=True)
class ByHand:
    """Rollbacks as people ask for them."""

    ledger: Ledger
    doorbell: Doorbell
    policies: Callable[[], Mapping[str, Policy]]
    clock: Clock
    signer: Signer | None = None

    def start(self, workload: str, level: int, reason: str, requested_by: str) -> Rollback:
        """Start a rollback; one of a lower level that is running is superseded in the same commit.

        Raises:
            NotFound: no such workload, or it has no such level.
            Refused: something stands against it; the sentence says what.
            TransientError: not started.
        """
        policy = policy_of(self.policies(), workload)
        policy.level(level)
        for _ in range(_TRIES):
            try:
                return self._start(policy, level, reason, requested_by)
            except LostRace:
                continue
        raise Refused("not rolled back: another rollback was started or advanced in the same moment")

    def _start(self, policy: Policy, level: int, reason: str, requested_by: str) -> Rollback:
        found, now = snapshot(self.ledger, policy.workload), self.clock()
        lower = self._lower(found, level)
        situation = Situation(
            now=now,
            guards=policy.guards,
            known_good=found.known_good,
            production_build=found.watch.build_seen_lately(now),
            active_rollback=None if lower else found.active_id,
            last_rollback=found.last,
            change=found.change,
            quarantine=found.quarantine,
            by_hand=True,
        )
        limitation = rollback_limitation(situation)
        if limitation is not None or found.known_good is None:
            raise Refused(f"not rolled back: {limitation}")
        run = new_rollback(
            policy,
            level=level,
            known_good=found.known_good.build,
            cause=reason,
            requested_by=requested_by,
            trigger="",
            times=found.road_times,
            swap_sent_at=_unseen_swap(policy, found, lower),
            not_before=_held_until(found, lower),
            now=now,
        )
        writes = envelope_writes(policy, found, run, situation.bad_build)
        if lower is None:
            writes += starting_writes(policy, run)
        else:
            why = f"a rollback of level {level} takes its place, started by {requested_by}: {reason}"
            ended = _ended(lower[0], RunStatus.SUPERSEDED, why, now)
            writes += [Replace(run_key(ended.id), encode(ended), lower[1]), *self._telling_writes(policy, ended)]
            writes += starting_writes(policy, run, instead_of=lower[0].id)
        commit_and_ring(self.ledger, self.doorbell, policy.workload, writes)
        return run

    def _lower(self, found: Snapshot, level: int) -> tuple[Rollback, str] | None:
        """Return the run that a rollback of this level would supersede, with its version."""
        try:
            loaded = load_rollback(self.ledger, found.workload, found.active.id) if found.active else None
        except PermanentError as error:
            raise Refused(f"not rolled back: {error}; cancel rollback {found.active_id} first") from None
        return loaded if loaded and loaded[0].level < level else None

    def cancel(self, rollback_id: str, reason: str, cancelled_by: str) -> Rollback:
        """End a rollback that is running. What has not acted yet never will; what has is said and not taken back.

        The ledger alone decides: a rollback can be ended while its policy is refused, or its own record is of no use.

        Raises:
            NotFound: no such rollback.
            Refused: it has ended already.
            TransientError: not cancelled.
        """
        workload = workload_of(rollback_id)
        if workload is None:
            raise NotFound(f"there is no rollback {rollback_id[:80]!r} here")
        for _ in range(_TRIES):
            try:
                return self._cancel(workload, rollback_id, f"by {cancelled_by}: {reason}")
            except LostRace:
                continue
        raise Refused(f"not cancelled: rollback {rollback_id} is being advanced right now; try again")

    def _cancel(self, workload: str, rollback_id: str, why: str) -> Rollback:
        policy, now = self.policies().get(workload), self.clock()
        try:
            found = load_rollback(self.ledger, workload, rollback_id)
        except PermanentError:
            found = None
        if found is None:
            return self._cancel_unread(policy, workload, rollback_id, why)
        run, version = found
        if run.status.ended:
            raise Refused(f"not cancelled: rollback {run.id} has ended: {run.outcome}")
        ended = _ended(run, RunStatus.CANCELLED, why, now)
        writes = [
            Replace(run_key(ended.id), encode(ended), version),
            Delete(ACTIVE),
            Put(LAST, encode(last_of(policy, ended, now))),
            *self._telling_writes(policy, ended),
        ]
        commit_and_ring(self.ledger, self.doorbell, workload, writes)
        return ended

    def _cancel_unread(self, policy: Policy | None, workload: str, rollback_id: str, why: str) -> Rollback:
        """Free the workload from a run whose record is damaged or gone.

        Its record is replaced by one that says that it has ended, so that no version that could read it takes it up
        again. What guards the commit is the version of the `active` record: it must still name this run.
        """
        active, now = self.ledger.read(workload, ACTIVE), self.clock()
        if active is None or decode(Active, active.body).id != rollback_id:
            raise NotFound(f"there is no rollback {rollback_id[:80]!r} here that runs or can be read")
        outcome = f"cancelled: {why}; its record could not be read: nobody knows what it did, and all of that stays"
        ended = unread_rollback(rollback_id, workload, self._text(workload, rollback_id), outcome, now)
        writes = [
            Put(run_key(ended.id), encode(ended)),
            Delete(ACTIVE, active.version),
            Put(LAST, encode(last_of_unread(ended, now))),
            *self._telling_writes(policy, ended),
        ]
        commit_and_ring(self.ledger, self.doorbell, workload, writes)
        return ended

    def _text(self, workload: str, rollback_id: str) -> str:
        try:
            row = self.ledger.read(workload, run_key(rollback_id))
        except PermanentError:
            return ""
        return row.body if row else ""

    def _telling_writes(self, policy: Policy | None, ended: Rollback) -> list[Write]:
        at = ended.ended_at or ended.created_at
        event = Event(workload=ended.workload, kind=ended.status.event, at=at, sentence=ended.outcome, about=ended.id)
        return [
            Receipts(self.ledger, self.signer).write_of(ended, event),
            *announce(event, policy.notify if policy else Notify()),
        ]


def _held_until(found: Snapshot, lower: tuple[Rollback, str] | None) -> datetime | None:
    """Return until when a step of the run before may still be carried out."""
    if lower is not None:
        return leased_until(lower[0])
    return found.last.lease_until if found.last else None


def _unseen_swap(policy: Policy, found: Snapshot, lower: tuple[Rollback, str] | None) -> datetime | None:
    if lower is not None:
        return swap_sent_at(policy, lower[0])
    return found.last.swap_sent_at if found.last else None


def _ended(run: Rollback, status: RunStatus, why: str, now: datetime) -> Rollback:
    return replace(run, status=status, ended_at=now, outcome=_outcome(run, status, why))


def _outcome(run: Rollback, status: RunStatus, why: str) -> str:
    """Say what cannot be taken back by ending the run here."""
    acted = [_said(step) for step in run.steps if step.acts and step.phase is not StepPhase.PENDING]
    undone = f"; what it did stays: {'; '.join(acted)}" if acted else "; it had not done anything yet"
    return f"level {run.level} {status}: {why}{undone}"


_DID = {
    StepPhase.INTENDED: "may have been sent, or may be within seconds",
    StepPhase.ACTED: "was accepted and is under way",
    StepPhase.DONE: "was established",
}


def _said(step: StepRecord) -> str:
    return f"{step.name} {_DID.get(step.phase, f'was tried and {step.phase}')}"
