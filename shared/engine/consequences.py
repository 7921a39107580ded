"""What a decision entails, as writes of the same commit: a rollback, a note of one left undone, a paused change."""

from dataclasses import replace
from datetime import datetime

from shared.decision.cycle import Cycle
from shared.decision.decide import TRAFFIC_LEVEL
from shared.decision.guards import OBSERVING
from shared.engine.records import CHANGE, WOULD, Snapshot, encode, newest_first
from shared.engine.start import BY_WATCH, envelope_writes, new_rollback, starting_writes
from shared.model.change import ChangeStatus
from shared.model.decision import Action
from shared.model.event import EventKind
from shared.model.policy import Policy
from shared.model.rollback import WouldHave
from shared.ports import Put, Write


def consequences(policy: Policy, found: Snapshot, cycle: Cycle, now: datetime) -> list[Write]:
    """Return the writes that a decision entails."""
    return [*_starting(policy, found, cycle, now), *_noting(policy, found, cycle, now), *_pausing(found, cycle)]


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
        requested_by=BY_WATCH,
        trigger=decision.trigger.name if decision.trigger else "",
        times=found.road_times,
        now=now,
    )
    return [*starting_writes(policy, run), *envelope_writes(policy, found, run, cycle.bad_build)]


def _noting(policy: Policy, found: Snapshot, cycle: Cycle, now: datetime) -> list[Write]:
    """The write that notes what observe-only mode leaves undone, once for each time that it does."""
    held_back = any(event.kind is EventKind.HELD_BACK for event in cycle.events)
    if cycle.decision.limitation != OBSERVING or not held_back or found.known_good is None:
        return []
    level, times = policy.level(TRAFFIC_LEVEL), found.road_times
    would = WouldHave(
        at=now,
        level=TRAFFIC_LEVEL,
        cause=cycle.decision.sentence,
        known_good=found.known_good.build,
        bad_build=cycle.bad_build,
        roads={
            component: {road: times.p95(road, policy.all_roads[road].takes) for road in roads}
            for component, roads in level.steered.items()
        },
    )
    return [Put(f"{WOULD}{newest_first(now)}", encode(would))]


def _pausing(found: Snapshot, cycle: Cycle) -> list[Write]:
    """The writes that pause the active change, when that is the decision."""
    change = found.change
    if cycle.decision.action is not Action.PAUSE or change is None or change.status is not ChangeStatus.ACTIVE:
        return []
    paused = replace(change, status=ChangeStatus.PAUSED, sentence=cycle.decision.sentence)
    return [found.save(CHANGE, paused)]
