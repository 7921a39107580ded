"""Changes as they are told what to do and tell how they are: every command is obeyed once, or refused with a sentence.

What was answered to a command that has an `id` is kept, with all that it did in one commit, so that the same command
gets the same answer when it comes again: `commands` holds the last of them. The queue may double and reorder; a
command that was refused stays refused under its id.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from shared.clock import Clock
from shared.decision.control import control_of
from shared.decision.plans import plan_of
from shared.engine.change_found import find
from shared.engine.change_steps import Outcome, carry_out, completing_writes
from shared.engine.change_writes import lifting_writes
from shared.engine.commit import commit_and_ring, ring_checkpoints
from shared.engine.records import CHANGE, KNOWN_GOOD, QUARANTINE, announce, decode, encode
from shared.errors import LostRace, Refused, TransientError
from shared.model.change import Change, Control, KnownGood, Told
from shared.model.command import Command, Complete, Start, fingerprint
from shared.model.decision import Plan
from shared.model.event import Event, EventKind
from shared.model.policy import Policy, policy_of
from shared.ports import Doorbell, Insert, Ledger, Replace, Row, Write

COMMANDS = "commands"
_MOST_ANSWERS = 256
_TRIES = 8
_LONGEST_NAME = 80
_LONGEST_REFUSAL = 300


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered to a command.

    Attributes:
        fingerprint: Tells whether it is the same command that comes again.
        refusal: Empty when it was obeyed.
    """

    fingerprint: str
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Answers:
    """The last answers to commands that had an id, oldest first."""

    by_id: dict[str, Answer] = field(default_factory=dict)

    def with_one(self, command_id: str | None, answer: Answer) -> "Answers":
        if command_id is None:
            return self
        return Answers(dict([*self.by_id.items(), (command_id, answer)][-_MOST_ANSWERS:]))


@dataclass(frozen=True, slots=True)
class ChangeControl:
    """Takes commands to changes, and says what they should do."""

    ledger: Ledger
    doorbell: Doorbell
    policies: Callable[[], Mapping[str, Policy]]
    clock: Clock

    def obey(self, workload: str, command: Command, by: str) -> Outcome:
        """Carry out a command, once for each id that it may have.

        Raises:
            NotFound: no such workload.
            Refused: the command is not for now, or for another change; it is refused again under the same id.
            TransientError: not carried out, or nobody knows; send it again, under the same id.
        """
        policy = policy_of(self.policies(), workload)
        for _ in range(_TRIES):
            try:
                return self._obey(policy, command, by)
            except LostRace:
                continue
        raise TransientError(f"the change of {workload} is written by others right now; send it again")

    def _obey(self, policy: Policy, command: Command, by: str) -> Outcome:
        found = find(self.ledger, policy, self.clock())
        row = self.ledger.read(policy.workload, COMMANDS) if command.id else None
        answers = decode(Answers, row.body) if row else Answers()
        before = answers.by_id.get(command.id or "")
        if before is not None:
            return _again(before, command, found.change)
        try:
            done = carry_out(found, command, by)
        except Refused as refused:
            answer = Answer(fingerprint(command), str(refused)[:_LONGEST_REFUSAL])
            self._keep(policy, command, row, answers.with_one(command.id, answer), [])
            raise
        self._keep(policy, command, row, answers.with_one(command.id, Answer(fingerprint(command))), done.writes)
        return done.outcome

    def _keep(self, policy: Policy, command: Command, row: Row | None, answers: Answers, writes: list[Write]) -> None:
        """Write what a command did together with what is answered to it."""
        if command.id:
            body = encode(answers)
            writes = [*writes, Replace(COMMANDS, body, row.version) if row else Insert(COMMANDS, body)]
        if writes:
            commit_and_ring(self.ledger, self.doorbell, policy.workload, writes)
            if policy.databases and isinstance(command, Start | Complete):
                ring_checkpoints(self.doorbell, policy.workload)

    def known_good(self, workload: str, build: str, by: str, override: str | None = None) -> KnownGood:
        """Record the build to go back to; a change to it has come to its good end.

        Raises:
            NotFound: no such workload.
            Refused: a run is under way, which goes back or forward by what is recorded; or the build is in quarantine,
                and nobody says by name that it is good after all.
            TransientError: not stored.
        """
        policy = policy_of(self.policies(), workload)
        for _ in range(_TRIES):
            found = find(self.ledger, policy, self.clock())
            found.refuse_known_good(build)
            recorded = KnownGood(build=build, recorded_at=found.now, recorded_by=by)
            writes = [found.save(KNOWN_GOOD, recorded), *completing_writes(found, build, by)]
            writes += lifting_writes(policy, found.rows.get(QUARANTINE), build, override=override, by=by, at=found.now)
            try:
                commit_and_ring(self.ledger, self.doorbell, workload, writes)
            except LostRace:
                continue
            return recorded
        raise TransientError(f"the records of {workload} are written by others right now; send it again")

    def control(self, workload: str) -> Control:
        """Return what the change of a workload should do now.

        Raises:
            NotFound: no such workload.
            TransientError: the storage does not answer.
        """
        found = find(self.ledger, policy_of(self.policies(), workload), self.clock())
        return control_of(found.standing(found.change))

    def told(self, workload: str) -> Told | None:
        """Return the newest that the hook of a workload must know, or `None`."""
        row = self.ledger.read(workload, CHANGE)
        return decode(Change, row.body).told if row else None

    def plan(self, workload: str, strategy: str, by: str) -> Plan:
        """Return the plan of a strategy that is asked for; an unknown one is recorded, and nothing is done.

        Raises:
            NotFound: no such workload.
            Refused: the policy has no such strategy.
        """
        policy = policy_of(self.policies(), workload)
        plan = plan_of(policy, strategy)
        if plan is not None:
            return plan
        known = ", ".join(sorted(policy.strategies)) or "none"
        sentence = (
            f"{by} asked for the strategy {strategy[:_LONGEST_NAME]!r}, which nobody knows; expected one of: {known}"
        )
        self._record(policy, EventKind.UNKNOWN_STRATEGY, sentence)
        raise Refused(f"nothing is done: {sentence}")

    def _record(self, policy: Policy, kind: EventKind, sentence: str) -> None:
        event = Event(workload=policy.workload, kind=kind, at=self.clock(), sentence=sentence)
        try:
            commit_and_ring(self.ledger, self.doorbell, policy.workload, announce(event, policy.notify))
        except LostRace:
            return  # the same was recorded in the same instant


def _again(before: Answer, command: Command, change: Change | None) -> Outcome:
    if before.fingerprint != fingerprint(command):
        raise Refused(f"the id {command.id} was used for another command; expected an id of its own")
    if before.refusal or change is None:
        raise Refused(before.refusal or "the change that it was for is not recorded any more")
    return Outcome(f"command {command.id} was obeyed before; {change} is {change.status}", change)
