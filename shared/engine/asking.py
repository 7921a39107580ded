"""Asking people, and what the default does when they do not answer: writes for the commit of whoever decides that.

Nothing here reads or commits: the question stands in the snapshot of the watch's cycle, or of a person's act.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from shared.clock import Clock
from shared.decision.asking import Wanted, as_of_now, gone, new_ask
from shared.decision.asks import Standing, due, is_due, say_silence, standing
from shared.decision.which_question import gives_way
from shared.engine.ask_records import (
    Held,
    asking_writes,
    beginning_writes,
    ending_writes,
    handing_on_writes,
    question,
    saving_writes,
)
from shared.engine.records import ASK, Snapshot
from shared.engine.start import id_of_run
from shared.errors import NotFound, PermanentError, Refused
from shared.model.ask import Ask, AskStatus
from shared.model.checkpoint import Checkpoints
from shared.model.event import EventKind
from shared.model.policy import Policy
from shared.model.policy_approval import Approval, OnExpiry
from shared.ports import Write


@dataclass(frozen=True, slots=True)
class Asking:
    """Puts questions and applies their defaults.

    Attributes:
        rule: By which rule people are asked for a level of a policy, perhaps on account of a trigger; `None` when
            nobody is asked.
        start: Returns the writes that begin what was asked for, with the reason, from what was found. It raises
            `Refused` when that must not begin now, and `NotFound` or `PermanentError` when it cannot.
    """

    rule: Callable[[Policy, int, str, Checkpoints], Approval | None]
    start: Callable[[Ask, str, Snapshot], Sequence[Write]]
    clock: Clock

    def ask(self, policy: Policy, found: Snapshot, current: Ask | None, wanted: Wanted) -> list[Write]:
        """Return the writes that ask; where that or more is asked already, those that tell of one more reason, if any.

        Args:
            found: With the watch as it sees now.
            current: The question in `found`, if there is one.
        """
        if current is not None and not gives_way(policy, current, wanted, found.watch):
            return self._telling_too(self._held(policy, found, current), wanted)
        approval = self.rule(policy, wanted.level, wanted.trigger, found.checkpoints) or Approval()
        asked = new_ask(policy, approval, wanted, found.road_times, self.clock(), found.checkpoints)
        return asking_writes(found, asked, current)

    def _telling_too(self, held: Held, wanted: Wanted) -> list[Write]:
        """People who are asked for more hear once of every other trigger that asks."""
        ask = held.ask
        if wanted.trigger in ("", ask.trigger, *ask.also):
            return []
        until = f"the question for level {ask.level} is over; if it still fires then, level {wanted.level} is asked for"
        says = f"{wanted.trigger} fires too: {wanted.cause}; nothing is done on that until {until}"
        also = replace(ask, also=(*ask.also, wanted.trigger))
        return saving_writes(held, also, EventKind.ASKED, says)

    def sweep(self, policy: Policy, found: Snapshot, ask: Ask) -> list[Write]:
        """Return the writes of the default once the time to answer is over; before that, those that ask anew.

        What would be done now is not what was asked: then it is asked again instead.

        Args:
            found: With the watch as it sees now.
            ask: The question in `found`.
        """
        held = self._held(policy, found, ask)
        if not is_due(ask, held.now):
            return self._anew(held)
        missing = gone(policy, ask)
        if missing is not None:
            return ending_writes(held, AskStatus.EXPIRED, f"{say_silence(ask)}: nothing is done, because {missing}")
        present, changed = self.present(held)
        if changed and standing(ask, found.watch)[0] is Standing.BAD:
            return self._again(held, present, changed)
        default = due(ask, found.watch, held.now)
        if default is None:
            return []
        if default.does is OnExpiry.CLIMB:
            return self._climb(held, default.sentence)
        if default.does is OnExpiry.HOLD:
            return ending_writes(held, AskStatus.EXPIRED, default.sentence)
        return self._unasked(held, ask, default.sentence)

    def anew(self, policy: Policy, found: Snapshot) -> list[Write]:
        """Return the writes that ask anew while there is time to answer, when something else would become of the rows.

        Args:
            found: With what is foreseen of the rows by now.
        """
        if found.ask is None or is_due(found.ask, self.clock()):
            return []
        return self._anew(self._held(policy, found, found.ask))

    def _anew(self, held: Held) -> list[Write]:
        """Nobody should find out by answering that something else would become of the rows than the message said."""
        present, changed = self.present(held)
        if not changed or present.preview == held.ask.preview or gone(held.policy, held.ask) is not None:
            return []
        return saving_writes(held, present, EventKind.ASKED, f"asked again, because {changed}; {question(present)}")

    def present(self, held: Held) -> tuple[Ask, str]:
        """Return the question as it would be put now, and what has changed since, if anything has."""
        ask, good = held.ask, held.found.known_good
        checkpoints = held.found.checkpoints
        approval = self.rule(held.policy, ask.level, ask.trigger, checkpoints)
        present = as_of_now(ask, held.policy, approval, good.build if good else ask.build, checkpoints)
        if present.build != ask.build:
            return present, f"the known good is build {present.build} by now, not {ask.build}"
        if present.preview != ask.preview and present.policy_version == ask.policy_version:
            return present, "what would become of the rows has changed" if present is not ask else ""
        return present, "the policy has changed" if present is not ask else ""

    def _again(self, held: Held, present: Ask, changed: str) -> list[Write]:
        """Ask again, with new time to answer: nobody was asked what would be done now."""
        ask = held.ask
        approval = self.rule(held.policy, ask.level, ask.trigger, held.found.checkpoints)
        expires_at = held.now + (approval.ttl if approval else ask.expires_at - ask.asked_at)
        present = replace(present, asked_at=held.now, expires_at=expires_at)
        says = f"{say_silence(ask)}, and {changed}: it is asked again; {question(present)}"
        return saving_writes(held, present, EventKind.ASKED, says)

    def beside(self, found: Snapshot, level: int, why: str) -> list[Write]:
        """Return what becomes of the question in `found`, if there is one, as a level begins unasked."""
        return beginning_writes(found.ask, found.versions[ASK], level, why, self.clock()) if found.ask else []

    def _held(self, policy: Policy, found: Snapshot, ask: Ask) -> Held:
        return Held(ask=ask, version=found.versions[ASK], policy=policy, found=found, now=self.clock())

    def _climb(self, held: Held, why: str) -> list[Write]:
        """The next level takes up, or is asked for if it takes people."""
        higher = held.policy.levels.above(held.ask.level)
        if higher is None:
            return ending_writes(held, AskStatus.EXPIRED, f"{why}; there is no level above: people are called")
        approval = self.rule(held.policy, higher, "", held.found.checkpoints)
        above = self._above(held, higher, approval or Approval())
        if approval is None:
            return self._unasked(held, above, why)
        return handing_on_writes(held, why, above)

    def _above(self, held: Held, level: int, approval: Approval) -> Ask:
        """Return the question of a higher level for the same reasons; who asked stays who asked."""
        ask = held.ask
        wanted = Wanted(
            id=id_of_run(ask.workload, held.now),
            level=level,
            build=ask.build,
            bad_build=ask.bad_build,
            cause=f"nobody answered for level {ask.level}: {ask.cause}",
            trigger=ask.trigger,
            requested_by_id=ask.requested_by_id,
            requested_by=ask.requested_by,
        )
        return new_ask(held.policy, approval, wanted, held.found.road_times, held.now, held.found.checkpoints)

    def _unasked(self, held: Held, ask: Ask, why: str) -> list[Write]:
        """Begin what nobody approved, because the policy says so."""
        try:
            started = self.start(ask, why, held.found)
        except (Refused, NotFound, PermanentError) as error:
            return ending_writes(held, AskStatus.EXPIRED, f"{why}; it was not begun: {error}")
        return [*ending_writes(held, AskStatus.EXPIRED, why), *started]
