"""One workload in one cycle: evaluate what is pending and collected, save it in one commit, ring for what is due."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import batched

from shared.clock import Clock
from shared.decision.cycle import Cycle, Known, News, next_cycle
from shared.decision.reasons import reasons_of
from shared.engine.asking import Asking
from shared.engine.commit import commit_and_ring, ring_delivery, ring_rollback
from shared.engine.consequences import asks, consequences, untold
from shared.engine.end_early import giving_way_writes
from shared.engine.fleet import Fleet
from shared.engine.news import Answers, news_of
from shared.engine.records import WATCH, Snapshot, announce, load_run, snapshot
from shared.engine.start import known_of
from shared.errors import ControllerError, LostRace, PermanentError
from shared.model.conditions.silence import Silence
from shared.model.decision import TRAFFIC_LEVEL, Action
from shared.model.event import EventKind
from shared.model.policy import MOST_WRITES, Policy
from shared.model.run import Run
from shared.model.trigger import Tier, TriggerState
from shared.ports import SAMPLES, Delete, Doorbell, Ledger, Mail, Signer, Warmer, Write

log = logging.getLogger(__name__)

_TRIES = 3
# A doorbell this late was lost.
_OVERDUE = timedelta(seconds=2)
# The host polls every second, and comes again to what failed after 15.
_HELD_UP = timedelta(seconds=10)
# A queue that does not answer takes seconds a ring; the next cycle rings for the rest.
_MOST_RINGS = 10


@dataclass(frozen=True, slots=True)
class WorkloadCycle:
    """Takes a workload from one saved state to the next."""

    ledger: Ledger
    doorbell: Doorbell
    warmer: Warmer
    fleet: Fleet
    clock: Clock
    signer: Signer | None = None
    asking: Asking | None = None
    mail: Mail | None = None

    def finish(self, policy: Policy, found: Snapshot, answers: Answers) -> str:
        """Evaluate and save; if another cycle saved first, again on top of what it saved.

        Returns:
            The sentence of the decision.

        Raises:
            TransientError, PermanentError: the workload could not be saved.
        """
        for _ in range(_TRIES):
            try:
                return self._save(policy, found, answers)
            except LostRace:
                found = snapshot(self.ledger, policy.workload)
        return f"other cycles were faster {_TRIES} times in a row; what was collected is collected again"

    def _save(self, policy: Policy, found: Snapshot, answers: Answers) -> str:
        now = self.clock()
        removals: list[Write] = [Delete(key) for key in found.inbox]
        known, news = known_of(policy, found), news_of(policy, answers, found.inbox.values())
        cycle = self._cycle(policy, found, known, news, now)
        lower, ending = self._superseded(policy, found, cycle, now)
        reasons = partial(reasons_of, policy, known, news, now)
        entailed = consequences(policy, found, cycle, reasons, lower, self.asking)
        writes = [
            found.save(WATCH, cycle.state),
            *(write for event in untold(cycle, entailed) for write in announce(event, policy.notify)),
            *ending,
            *entailed,
        ]
        room = max(0, MOST_WRITES - len(writes))
        commit_and_ring(self.ledger, self.doorbell, policy.workload, writes + removals[:room])
        self._remove(policy.workload, removals[room:])
        try:
            self._ring_for_run(policy.workload, found, now)
        finally:  # a run that cannot be read must not keep people from hearing of anything
            self._ring_for_deliveries(policy.workload, found, now)
            self._warm_up(policy, cycle)
        return cycle.decision.sentence

    def _cycle(self, policy: Policy, found: Snapshot, known: Known, news: News, now: datetime) -> Cycle:
        """Decide; a rollback that is due has the fleet's word too, which nobody asks for otherwise."""
        cycle = next_cycle(policy, known, news, now)
        if self._is_held_up(policy, cycle, now):
            news = replace(news, held_up=True)
            cycle = next_cycle(policy, known, news, now)
        if cycle.decision.action is not Action.ROLL_BACK or asks(policy, cycle, found.checkpoints):
            return cycle
        reason = self.fleet.claim(policy.workload, now, max(known.started, default=None))
        return cycle if reason is None else next_cycle(policy, replace(known, fleet=reason), news, now)

    def _is_held_up(self, policy: Policy, cycle: Cycle, now: datetime) -> bool:
        """Tell whether what is silent may have spoken, and lies in the queue; nobody looks unless something is."""
        sent = {rule.name for rule in policy.rules if isinstance(rule.condition, Silence) and not rule.condition.asked}
        silent = any(one.name in sent and one.state is not TriggerState.INACTIVE for one in cycle.state.readings)
        if not silent or self.mail is None:
            return False
        try:
            since = self.mail.waiting_since(SAMPLES)
        except ControllerError as error:
            log.warning("%s: nobody knows what was sent: %s", policy.workload, error)
            return True
        return since is not None and now - since > _HELD_UP

    def _superseded(
        self, policy: Policy, found: Snapshot, cycle: Cycle, now: datetime
    ) -> tuple[Run | None, list[Write]]:
        """Return the promotion or drill that must give way to a rollback, with the writes that end it."""
        if cycle.decision.action is not Action.ROLL_BACK or found.active is None:
            return None, []
        if asks(policy, cycle, found.checkpoints):
            return None, []
        why = f"a rollback takes its place: {cycle.decision.sentence}"
        return giving_way_writes(self.ledger, self.signer, policy, found.active, why, now)

    def _remove(self, workload: str, removals: Sequence[Write]) -> None:
        """Remove the rest of a full inbox. What stays behind is taken in again, and changes nothing then."""
        for some in batched(removals, MOST_WRITES, strict=False):
            try:
                self.ledger.commit(workload, some)
            except LostRace:
                log.info("%s: another cycle is emptying the inbox", workload)

    def _warm_up(self, policy: Policy, cycle: Cycle) -> None:
        """The clock of a critical trigger has begun to run: have the road ready when it ends."""
        critical = {rule.name for rule in policy.rules if rule.tier is Tier.CRITICAL}
        if not any(event.kind is EventKind.PENDING and event.about in critical for event in cycle.events):
            return
        try:
            self.warmer.warm_up(policy.workload, TRAFFIC_LEVEL)
        except ControllerError as error:
            log.warning("%s: the road stays cold: %s", policy.workload, error)

    def _ring_for_run(self, workload: str, found: Snapshot, now: datetime) -> None:
        """The queue is a doorbell, the table is the truth: what is due by the table is rung for again.

        Raises:
            PermanentError: the run's record cannot be read. The cycle must fail: nobody else tells people of it.
        """
        if found.active is None:
            return
        try:
            loaded = load_run(self.ledger, workload, found.active.id)
        except PermanentError as error:
            what = f"rollback {found.active.id} runs and nobody can advance it"
            raise PermanentError(f"{what}: {error}; cancel it to free the workload") from None
        if loaded is not None and loaded[0].due_at + _OVERDUE < now:
            ring_rollback(self.doorbell, loaded[0])

    def _ring_for_deliveries(self, workload: str, found: Snapshot, now: datetime) -> None:
        overdue = [delivery.id for delivery in found.outbox.values() if delivery.due_at + _OVERDUE < now]
        for delivery_id in overdue[:_MOST_RINGS]:
            if not ring_delivery(self.doorbell, workload, delivery_id):
                return
