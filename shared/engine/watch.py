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
from shared.engine.collect import Collector, due
from shared.engine.incidents import incident
from shared.engine.records import Snapshot, snapshot
from shared.engine.workload_cycle import Answers, WorkloadCycle
from shared.errors import ControllerError, NotFound, PermanentError, TransientError
from shared.model.policy import Policy
from shared.ports import Doorbell, Ledger, Want, Warmer

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
    """

    ledger: Ledger
    doorbell: Doorbell
    warmer: Warmer
    collector: Collector
    policies: Callable[[], Mapping[str, Policy]]
    clock: Clock
    pool: Executor
    problems: Sequence[str] = ()

    def run(self) -> list[str]:
        """Collect what is due of every workload, then evaluate each as soon as its own sources have answered.

        Returns:
            One sentence per workload.

        Raises:
            TransientError: after all that can be watched was watched, because some workload was not. The function's
                run must count as failed: that is how people learn that something is left unguarded.
        """
        policies, now = self.policies(), self.clock()
        known = dict(zip(policies, self.pool.map(lambda name: self._known(policies[name], now), policies), strict=True))
        wants = [want for found in known.values() if isinstance(found, _Known) for want in found.wants]
        collecting = self.collector.begin(wants, now)

        def finish(name: str) -> str | ControllerError:
            answers = Answers(collected=collecting.of(name), asked_at=now)
            return self._finish(policies[name], known[name], answers)

        return self._told(dict(zip(policies, self.pool.map(finish, policies), strict=True)))

    def evaluate(self) -> list[str]:
        """Evaluate what is there without collecting, so that silence is noticed even when collecting hangs.

        Raises:
            TransientError: as for `run`.
        """
        policies, now = self.policies(), self.clock()

        def finish(name: str) -> str | ControllerError:
            return self._finish(policies[name], self._known(policies[name], now), Answers())

        return self._told(dict(zip(policies, self.pool.map(finish, policies), strict=True)))

    def take_in(self, workload: str) -> str:
        """Evaluate one workload at once because something arrived for it; when nothing is left, another ring did it.

        Raises:
            NotFound: no such workload.
            TransientError: the storage does not answer.
        """
        policy = self.policies().get(workload)
        if policy is None:
            raise NotFound(f"there is no workload {workload[:80]!r} here")
        found = snapshot(self.ledger, workload)
        if not found.inbox:
            return f"{workload}: what arrived is taken in already"
        return f"{workload}: {self._cycles.finish(policy, found, Answers())}"

    @property
    def _cycles(self) -> WorkloadCycle:
        return WorkloadCycle(self.ledger, self.doorbell, self.warmer, self.clock)

    def _known(self, policy: Policy, now: datetime) -> _Known | ControllerError:
        """Read a workload and what is due of it; whatever goes wrong is its own and must not disturb the others."""
        try:
            found = snapshot(self.ledger, policy.workload)
            return _Known(found, due(policy, found.watch, now))
        except ControllerError as error:
            return error
        except Exception as error:  # noqa: BLE001  # a bug that only one workload's data wakes must not blind the others
            return PermanentError(incident(policy.workload, error))

    def _finish(self, policy: Policy, known: _Known | ControllerError, answers: Answers) -> str | ControllerError:
        """Finish one workload; whatever goes wrong is its own, as above."""
        if isinstance(known, ControllerError):
            return known
        try:
            sentence = self._cycles.finish(policy, known.found, answers)
        except ControllerError as error:
            return error
        except Exception as error:  # noqa: BLE001  # as above
            return PermanentError(incident(policy.workload, error))
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
