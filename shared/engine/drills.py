"""Rehearsals of a level: on a safe target that the policy names, or here, up to the last step that changes nothing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from shared.clock import Clock
from shared.decision.drill import target_limitation
from shared.decision.guards import Situation, rollback_limitation
from shared.engine.commit import commit_and_ring
from shared.engine.records import Snapshot, snapshot
from shared.engine.start import starting_writes
from shared.engine.starting_point import Wish, rollback_from
from shared.errors import InvalidInput, LostRace, Refused
from shared.model.policy import Policy, policy_of
from shared.model.run import Run, RunKind
from shared.ports import Doorbell, Ledger


@dataclass(frozen=True, slots=True)
class _Asked:
    """Who wants which level of which workload rehearsed."""

    rehearses: str
    level: int
    requested_by: str
    requested_by_id: str


@dataclass(frozen=True, slots=True)
class Drills:
    """Drills as people and schedules ask for them."""

    ledger: Ledger
    doorbell: Doorbell
    policies: Callable[[], Mapping[str, Policy]]
    clock: Clock

    def start(
        self, workload: str, level: int, requested_by: str, *, requested_by_id: str = "", confirm: str = ""
    ) -> Run:
        """Start a drill.

        Args:
            confirm: The name of the workload that would really be taken back, typed out; of no use in a drill that
                changes nothing.

        Raises:
            NotFound: no such workload, or it has no such level.
            InvalidInput: it would take a workload back whose name was not typed out.
            Refused: something stands against it; the sentence says what.
            TransientError: not started.
        """
        policy = self._acted_on(workload, level, confirm)
        try:
            return self._start(policy, _Asked(workload, level, requested_by, requested_by_id))
        except LostRace:
            raise Refused("no drill: another run was started in the same moment") from None

    def _acted_on(self, workload: str, level: int, confirm: str) -> Policy:
        """Return the policy by which it is done: the workload's own, or that of a target which agrees."""
        policies = self.policies()
        own = policy_of(policies, workload)
        target = own.level(level).drill.on
        if target is None:
            return own
        policy = policy_of(policies, target)
        policy.level(level)
        limitation = target_limitation(own, level, policy)
        if limitation is not None:
            raise Refused(f"no drill: {limitation}")
        if confirm != target:
            what = f"expected {target}, the name of the workload that is really taken back, typed out"
            raise InvalidInput(what, where="confirm")
        return policy

    def _start(self, policy: Policy, asked: _Asked) -> Run:
        found, now = snapshot(self.ledger, policy.workload), self.clock()
        dry = policy.workload == asked.rehearses
        limitation = _limitation(policy, found, now)
        if limitation is not None or found.known_good is None:
            raise Refused(f"no drill: {limitation}")
        wish = Wish(
            level=asked.level,
            cause=f"drill of level {asked.level} of {asked.rehearses}",
            requested_by=asked.requested_by,
            requested_by_id=asked.requested_by_id,
        )
        run = rollback_from(policy, found, found.known_good, None, now, wish)
        run = replace(run, kind=RunKind.DRILL if dry else RunKind.ROLLBACK, rehearses=asked.rehearses)
        commit_and_ring(self.ledger, self.doorbell, policy.workload, starting_writes(policy, run))
        return run


def _limitation(policy: Policy, found: Snapshot, now: datetime) -> str | None:
    return rollback_limitation(
        Situation(
            now=now,
            guards=policy.guards,
            known_good=found.known_good,
            production_build="",
            active_rollback=found.active_id,
            last_rollback=found.last,
            quarantine=found.quarantine,
            by_hand=True,
        )
    )
