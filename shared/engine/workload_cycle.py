"""One workload in one cycle: evaluate what is pending and collected, save it in one commit, ring for what is due."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import batched

from shared.clock import Clock
from shared.decision.cycle import Cycle, Known, News, next_cycle
from shared.decision.decide import TRAFFIC_LEVEL
from shared.engine.commit import commit_and_ring, ring_delivery, ring_rollback
from shared.engine.records import CHANGE, WATCH, Arrived, Snapshot, announce, encode, load_rollback, snapshot
from shared.engine.start import new_rollback, starting_writes
from shared.errors import ControllerError, LostRace
from shared.model.alert import Alert, AlertCondition
from shared.model.change import ChangeStatus
from shared.model.decision import Action
from shared.model.event import EventKind
from shared.model.policy import MOST_WRITES, Policy
from shared.model.policy_signals import AlertSignal, PushedSignal
from shared.model.signal import Sample, measured
from shared.model.trigger import Tier
from shared.ports import Collected, Delete, Doorbell, Insert, Ledger, Replace, Warmer, Write

log = logging.getLogger(__name__)

_TRIES = 3
# A doorbell this late was lost.
_OVERDUE = timedelta(seconds=2)
# A queue that does not answer takes seconds a ring; the next cycle rings for the rest.
_MOST_RINGS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What the sources answered for one workload, and when they were asked; `None` when nobody asked."""

    collected: Sequence[Collected] = ()
    asked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class WorkloadCycle:
    """Takes a workload from one saved state to the next."""

    ledger: Ledger
    doorbell: Doorbell
    warmer: Warmer
    clock: Clock

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
        known = Known(
            state=found.watch,
            known_good=found.known_good,
            active_rollback=found.active_id,
            last_rollback=found.last,
        )
        cycle = next_cycle(policy, known, _news(policy, answers, found.inbox.values()), now)
        writes = [
            _state_write(cycle, found),
            *(write for event in cycle.events for write in announce(event, policy.notify)),
            *_starting(policy, found, cycle, now),
            *_pausing(found, cycle),
        ]
        room = MOST_WRITES - len(writes)
        commit_and_ring(self.ledger, self.doorbell, policy.workload, writes + removals[:room])
        self._remove(policy.workload, removals[room:])
        self._ring_for_overdue(policy.workload, found, now)
        self._warm_up(policy, cycle)
        return cycle.decision.sentence

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

    def _ring_for_overdue(self, workload: str, found: Snapshot, now: datetime) -> None:
        """The queue is a doorbell, the table is the truth: what is due by the table is rung for again."""
        if found.active is not None:
            loaded = load_rollback(self.ledger, workload, found.active.id)
            if loaded is not None and loaded[0].due_at + _OVERDUE < now:
                ring_rollback(self.doorbell, loaded[0])
        overdue = [delivery.id for delivery in found.outbox.values() if delivery.due_at + _OVERDUE < now]
        for delivery_id in overdue[:_MOST_RINGS]:
            if not ring_delivery(self.doorbell, workload, delivery_id):
                return


def _news(policy: Policy, answers: Answers, arrived: Iterable[Arrived]) -> News:
    samples: dict[str, list[Sample]] = defaultdict(list)
    for one in answers.collected:
        samples[one.name] += one.samples
    for item in arrived:
        for name, signal in policy.signals.items():
            if isinstance(signal, PushedSignal):
                samples[name] += item.samples.get(signal.pushed, ())
            elif isinstance(signal, AlertSignal) and item.alert is not None:
                samples[name] += _alert_samples(signal, item.alert)
    build_seen = next((one.build_seen for one in answers.collected if one.build_seen), "")
    asked = {one.name for one in answers.collected}
    return News(samples=samples, asked=asked, asked_at=answers.asked_at, build_seen=build_seen)


def _alert_samples(signal: AlertSignal, alert: Alert) -> Iterable[Sample]:
    if alert.rule.casefold() != signal.alert.casefold():
        return
    fired = alert.condition is AlertCondition.FIRED
    at = alert.fired_at if fired else alert.resolved_at or alert.fired_at
    yield measured(at, 1.0 if fired else 0.0, sample_id=alert.identity)


def _state_write(cycle: Cycle, found: Snapshot) -> Write:
    body = encode(cycle.state)
    return Insert(WATCH, body) if found.watch_version is None else Replace(WATCH, body, found.watch_version)


def _starting(policy: Policy, found: Snapshot, cycle: Cycle, now: datetime) -> list[Write]:
    """The writes that start a rollback, when that is the decision."""
    decision = cycle.decision
    if decision.action is not Action.ROLL_BACK or decision.level is None or found.known_good is None:
        return []
    run = new_rollback(
        policy,
        level=decision.level,
        known_good=found.known_good.build,
        cause=decision.sentence,
        requested_by="watch",
        trigger=decision.trigger.name if decision.trigger else "",
        now=now,
    )
    return starting_writes(policy, run)


def _pausing(found: Snapshot, cycle: Cycle) -> list[Write]:
    """The writes that pause the active change, when that is the decision."""
    change = found.change
    if cycle.decision.action is not Action.PAUSE or change is None or change.status is not ChangeStatus.ACTIVE:
        return []
    paused = replace(change, status=ChangeStatus.PAUSED, sentence=cycle.decision.sentence)
    return [Replace(CHANGE, encode(paused), found.change_version or "")]
