"""The switch that pauses every automatic rollback, and tells so: a pause must not be found out at night.

The fleet's record is written first and holds by itself. Each workload's history and channels are told afterwards, each
by a commit of its own; a channel that several workloads share is told once.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from shared.clock import Clock
from shared.engine.commit import commit_and_ring
from shared.engine.fleet import FLEET, PAUSE
from shared.engine.records import announce, encode, event_key
from shared.errors import ControllerError, LostRace
from shared.model.event import Event, EventKind
from shared.model.fleet import Pause
from shared.model.policy import Policy
from shared.ports import Delete, Doorbell, Ledger, Put, Write

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Switched:
    """What became of a turn of the switch.

    Attributes:
        untold: Workloads whose people could not be told, each with the reason.
    """

    says: str
    untold: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FleetSwitch:
    """Pauses and resumes all workloads of this app."""

    ledger: Ledger
    doorbell: Doorbell
    policies: Callable[[], Mapping[str, Policy]]
    clock: Clock

    def pause(self, by: str, reason: str) -> Switched:
        """Let no automatic rollback start until somebody resumes.

        Raises:
            TransientError: the storage does not answer; nothing is paused.
        """
        pause = Pause(since=self.clock(), by=by, reason=reason)
        return self._turn(Put(PAUSE, encode(pause)), EventKind.FLEET_PAUSED, f"the fleet is paused by {by}: {reason}")

    def resume(self, by: str) -> Switched:
        """Let automatic rollbacks start again.

        Raises:
            TransientError: the storage does not answer; nothing is resumed.
        """
        try:
            return self._turn(Delete(PAUSE), EventKind.FLEET_RESUMED, f"the fleet is resumed by {by}")
        except LostRace:
            return Switched("the fleet was not paused")

    def _turn(self, write: Write, kind: EventKind, sentence: str) -> Switched:
        log.warning("%s", sentence)
        event = Event(workload=FLEET, kind=kind, at=self.clock(), sentence=sentence)
        self.ledger.commit(FLEET, [write, Put(event_key(event), encode(event))])
        told: frozenset[str] = frozenset()
        untold: list[str] = []
        for policy in self.policies().values():
            try:
                self._tell(policy, event, told)
                told |= set(policy.notify.to) if kind in policy.notify.on else set()
            except ControllerError as error:  # the switch is turned: that must be the answer
                untold.append(f"{policy.workload}: {error}")
        return Switched(sentence, tuple(untold))

    def _tell(self, policy: Policy, event: Event, told: frozenset[str]) -> None:
        notify = policy.notify.model_copy(update={"to": tuple(each for each in policy.notify.to if each not in told)})
        own = Event(workload=policy.workload, kind=event.kind, at=event.at, sentence=event.sentence)
        commit_and_ring(self.ledger, self.doorbell, policy.workload, announce(own, notify))
