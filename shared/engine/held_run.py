"""A run as one worker holds it: with the version of its record that it last read or wrote, and what it writes by."""

import logging
from dataclasses import dataclass

from shared.clock import Clock
from shared.engine.commit import commit_and_ring
from shared.engine.records import announce, encode, run_key
from shared.model.event import Event, EventKind
from shared.model.policy import Policy
from shared.model.run import Run, StepRecord
from shared.ports import Doorbell, Ledger, Replace

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Inside:
    """The step whose own code is running, and whether that code has the effect or only looks."""

    step: str
    acts: bool


@dataclass(slots=True)
class HeldRun:
    """What changes during a pass: the run, the version by which the next write is compared and set, and the place."""

    ledger: Ledger
    doorbell: Doorbell
    clock: Clock
    policy: Policy
    run: Run
    version: str
    inside: Inside | None = None
    """Stays where it is when something that nobody foresaw comes out of a step, and says where that was."""

    def save(self, run: Run, *events: Event) -> None:
        """Write the run, and announce events, as one commit.

        Raises:
            LostRace: another worker wrote it first.
            TransientError: the storage does not answer.
        """
        key = run_key(run.id)
        announced = [write for event in events for write in announce(event, self.policy.notify)]
        writes = [Replace(key, encode(run), self.version), *announced]
        self.version = commit_and_ring(self.ledger, self.doorbell, run.workload, writes)[key]
        self.run = run

    def note(self, record: StepRecord) -> None:
        """Change a step; it is saved with whatever is saved next."""
        self.run = self.run.with_step(record)

    def event(self, kind: EventKind, sentence: str) -> Event:
        """Return an event about this run."""
        log.info("%s: %s", self.run.id, sentence)
        return Event(workload=self.run.workload, kind=kind, at=self.clock(), sentence=sentence, about=self.run.id)
