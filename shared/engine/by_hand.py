"""What a person does to rollbacks: starts one, lets a higher level take the place of a lower one, cancels one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from shared.clock import Clock
from shared.decision.data_limits import takes_people
from shared.decision.guards import rollback_limitation
from shared.decision.planned import planned
from shared.engine.asking import Asking
from shared.engine.commit import commit_and_ring
from shared.engine.end_early import ended_early, giving_way_writes, last_writes, telling_writes, unread_writes
from shared.engine.records import ACTIVE, Active, Snapshot, decode, encode, load_run, run_key, snapshot
from shared.engine.start import envelope_writes, starting_writes
from shared.engine.starting_point import Wish, rollback_from, situation_of
from shared.errors import LostRace, NotFound, PermanentError, Refused
from shared.model.policy import Policy, policy_of
from shared.model.run import Run, RunStatus, workload_of
from shared.ports import Delete, Doorbell, Ledger, Replace, Signer, Write

_TRIES = 5


@dataclass(frozen=True, slots=True)
class ByHand:
    """Runs as people ask for them."""

    ledger: Ledger
    doorbell: Doorbell
    policies: Callable[[], Mapping[str, Policy]]
    clock: Clock
    signer: Signer | None = None
    asking: Asking | None = None

    def start(
        self,
        workload: str,
        level: int,
        reason: str,
        requested_by: str,
        *,
        requested_by_id: str = "",
        strategy: str = "",
        agreed: tuple[str, ...] = (),
    ) -> Run:
        """Start a rollback; one of a lower level that is running is superseded in the same commit.

        Args:
            strategy: The plan of the policy by which the level is taken.
            agreed: Digests of the previews of data that were seen, without which not more is lost than the policy lets.

        Raises:
            NotFound: no such workload, or it has no such level.
            Refused: something stands against it; the sentence says what.
            TransientError: not started.
        """
        policy = policy_of(self.policies(), workload)
        policy.level(level)
        asked = Wish(
            level=level,
            cause=reason,
            requested_by=requested_by,
            requested_by_id=requested_by_id,
            strategy=strategy,
            agreed=agreed,
        )
        for _ in range(_TRIES):
            try:
                return self._start(policy, asked)
            except LostRace:
                continue
        raise Refused("not rolled back: another rollback was started or advanced in the same moment")

    def _start(self, policy: Policy, asked: Wish) -> Run:
        found, now = snapshot(self.ledger, policy.workload), self.clock()
        why = f"a rollback of level {asked.level} takes its place, started by {asked.requested_by}: {asked.cause}"
        lower, ending = self._lower(policy, found, asked.level, why, now)
        situation = replace(situation_of(policy, found, now, lower), by_hand=True)
        limitation = rollback_limitation(situation)
        if limitation is not None or found.known_good is None:
            raise Refused(f"not rolled back: {limitation}")
        effective = planned(policy, asked.level, asked.strategy)
        foreseen = takes_people(policy, effective.level(asked.level), found.checkpoints)
        if foreseen is not None and not asked.agreed:
            raise Refused(f"not rolled back: more would be lost than the policy lets: {foreseen}; agree to its preview")
        run = rollback_from(effective, found, found.known_good, lower, now, asked)
        writes = envelope_writes(policy, found, run, situation.bad_build)
        if self.asking is not None:
            writes += self.asking.beside(found, asked.level, why)
        writes += [*ending, *starting_writes(policy, run, active_version=found.versions.get(ACTIVE))]
        commit_and_ring(self.ledger, self.doorbell, policy.workload, writes)
        return run

    def _lower(
        self, policy: Policy, found: Snapshot, level: int, why: str, now: datetime
    ) -> tuple[Run | None, list[Write]]:
        """Return the run that a rollback of this level would supersede, with the writes that end it."""
        if found.active is None:
            return None, []
        try:
            run, writes = giving_way_writes(self.ledger, self.signer, policy, found.active, why, now)
        except PermanentError as error:
            raise Refused(f"not rolled back: {error}; cancel rollback {found.active_id} first") from None
        return (run, writes) if run.rank < level else (None, [])

    def cancel(self, rollback_id: str, reason: str, cancelled_by: str) -> Run:
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

    def _cancel(self, workload: str, rollback_id: str, why: str) -> Run:
        policy, now = self.policies().get(workload), self.clock()
        try:
            found = load_run(self.ledger, workload, rollback_id)
        except PermanentError:
            found = None
        if found is None:
            return self._cancel_unread(policy, workload, rollback_id, why)
        run, version = found
        if run.status.ended:
            raise Refused(f"not cancelled: rollback {run.id} has ended: {run.outcome}")
        ended = ended_early(run, RunStatus.CANCELLED, why, now)
        writes = [
            Replace(run_key(ended.id), encode(ended), version),
            Delete(ACTIVE),
            *last_writes(self.ledger, policy, ended, now),
            *telling_writes(self.ledger, self.signer, policy, ended),
        ]
        commit_and_ring(self.ledger, self.doorbell, workload, writes)
        return ended

    def _cancel_unread(self, policy: Policy | None, workload: str, rollback_id: str, why: str) -> Run:
        """Free the workload from a run whose record is damaged or gone."""
        row, now = self.ledger.read(workload, ACTIVE), self.clock()
        active = decode(Active, row.body) if row else None
        if row is None or active is None or active.id != rollback_id:
            raise NotFound(f"there is no rollback {rollback_id[:80]!r} here that runs or can be read")
        status = RunStatus.CANCELLED
        ended, writes = unread_writes(self.ledger, self.signer, policy, workload, active, status, why, now)
        writes += [Delete(ACTIVE, row.version), *last_writes(self.ledger, policy, ended, now)]
        commit_and_ring(self.ledger, self.doorbell, workload, writes)
        return ended
