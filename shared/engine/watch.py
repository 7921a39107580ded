"""The timers' use case: collect, evaluate, decide, act; returns one sentence per workload.

A cycle of a workload costs two storage transactions: one scan of what is pending, one commit of the new state together
with everything that follows from it: events, deliveries, a started rollback, samples that were taken in.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime

from shared.clock import Clock
from shared.engine.asking import Asking
from shared.engine.collect import Collector, due
from shared.engine.fleet import Fleet
from shared.engine.incidents import outcomes_of
from shared.engine.news import Answers
from shared.engine.records import Snapshot, snapshot
from shared.engine.workload_cycle import WorkloadCycle
from shared.errors import ControllerError, TransientError
from shared.model.policy import Policy, policy_of
from shared.ports import Doorbell, Ledger, Mail, Signer, Want, Warmer

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Known:
    """A workload as it was found, and what is due of it."""

    found: Snapshot
    wants: Sequence[Want]


@dataclass(frozen=True, slots=True)
class Watch:
    """Watches all workloads.

    Attributes:
        problems: Why some workloads are not watched at all, such as a policy that was refused.
        mail: Where samples lie that were sent by queue and have not been taken in.
    """

    ledger: Ledger
    doorbell: Doorbell
    warmer: Warmer
    collector: Collector
    policies: Callable[[], Mapping[str, Policy]]
    fleet: Fleet
    clock: Clock
    pool: Executor
    problems: Sequence[str] = ()
    signer: Signer | None = None
    asking: Asking | None = None
    mail: Mail | None = None

    def run(self) -> list[str]:
        """Collect what is due of every workload, then evaluate each as soon as its own sources have answered.

        Returns:
            One sentence per workload.

        Raises:
            TransientError: after all that can be watched was watched, because some workload was not. The function's
                run must count as failed: that is how people learn that something is left unguarded.
        """
        policies, now = self.policies(), self.clock()
        known = self._for_each(policies, lambda policy: self._known(policy, now))
        wants = [want for found in known.values() if isinstance(found, _Known) for want in found.wants]
        collecting = self.collector.begin(wants, now)

        def finish(policy: Policy) -> str:
            found = known[policy.workload]
            if isinstance(found, ControllerError):
                raise found
            return self._finish(policy, found, Answers(collected=collecting.of(policy.workload), asked_at=now))

        return self._told(self._for_each(policies, finish))

    def evaluate(self) -> list[str]:
        """Evaluate what is there without collecting, so that silence is noticed even when collecting hangs.

        Raises:
            TransientError: as for `run`.
        """
        policies, now = self.policies(), self.clock()

        def finish(policy: Policy) -> str:
            return self._finish(policy, self._known(policy, now), Answers())

        return self._told(self._for_each(policies, finish))

    def take_in(self, workload: str) -> str:
        """Evaluate one workload at once because something arrived for it; when nothing is left, another ring did it.

        Raises:
            NotFound: no such workload.
            TransientError: the storage does not answer.
        """
        policy = policy_of(self.policies(), workload)
        found = snapshot(self.ledger, workload)
        if not found.inbox:
            return f"{workload}: what arrived is taken in already"
        return f"{workload}: {self._cycles.finish(policy, found, Answers())}"

    @property
    def _cycles(self) -> WorkloadCycle:
        return WorkloadCycle(
            self.ledger, self.doorbell, self.warmer, self.fleet, self.clock, self.signer, self.asking, self.mail
        )

    def _for_each[T](self, policies: Mapping[str, Policy], do: Callable[[Policy], T]) -> dict[str, T | ControllerError]:
        """Do something for all workloads at once; what goes wrong with one is its own and disturbs no other."""
        tasks = {name: self.pool.submit(do, policy) for name, policy in policies.items()}
        return outcomes_of(tasks, "the watch")

    def _known(self, policy: Policy, now: datetime) -> _Known:
        """Read a workload and what is due of it."""
        found = snapshot(self.ledger, policy.workload)
        return _Known(found, due(policy, found.watch, now))

    def _finish(self, policy: Policy, known: _Known, answers: Answers) -> str:
        sentence = self._cycles.finish(policy, known.found, answers)
        log.info("%s: %s", policy.workload, sentence)
        return sentence

    def _told(self, outcomes: Mapping[str, str | ControllerError]) -> list[str]:
        unwatched = [f"{name}: {found}" for name, found in outcomes.items() if isinstance(found, ControllerError)]
        unwatched += self.problems
        for reason in unwatched:
            log.error("not watched: %s", reason)
        if unwatched:
            raise TransientError(f"{len(unwatched)} not watched, first of all {unwatched[0]}")
        return [f"{name}: {found}" for name, found in outcomes.items()]
