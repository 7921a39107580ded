"""What a decision entails, as writes of the same commit: a rollback, a note of one left undone, a paused change."""

from collections.abc import Callable
from dataclasses import replace

from shared.decision.cycle import Cycle
from shared.decision.decide import TRAFFIC_LEVEL
from shared.decision.guards import OBSERVING
from shared.decision.reasons import Reasons, Why, verdicts_of
from shared.engine.records import CHANGE, WHY, WOULD, Snapshot, encode, newest_first
from shared.engine.start import envelope_writes, new_rollback, starting_writes
from shared.model.change import ChangeStatus
from shared.model.decision import Action
from shared.model.event import EventKind
from shared.model.policy import Policy
from shared.model.rollback import BY_WATCH, WouldHave
from shared.ports import Insert, Put, Write


def consequences(policy: Policy, found: Snapshot, cycle: Cycle, reasons: Callable[[], Reasons]) -> list[Write]:
    """Return the writes that a decision entails.

    Args:
        reasons: Returns what the cycle went on; it is kept with a rollback that starts.
    """
    return [*_starting(policy, found, cycle, reasons), *_noting(policy, found, cycle), *_pausing(found, cycle)]


def _starting(policy: Policy, found: Snapshot, cycle: Cycle, reasons: Callable[[], Reasons]) -> list[Write]:
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
        swap_sent_at=found.last.swap_sent_at if found.last else None,
        not_before=found.last.lease_until if found.last else None,
        now=cycle.state.cycled_at,
    )
    why = Why(reasons=reasons(), verdicts=verdicts_of(cycle))
    return [
        *starting_writes(policy, run),
        *envelope_writes(policy, found, run, cycle.bad_build),
        Insert(f"{WHY}{run.id}", encode(why)),
    ]


def _noting(policy: Policy, found: Snapshot, cycle: Cycle) -> list[Write]:
    """The write that notes what observe-only mode leaves undone, once for each time that it does."""
    held_back = any(event.kind is EventKind.HELD_BACK for event in cycle.events)
    if cycle.decision.limitation != OBSERVING or not held_back or found.known_good is None:
        return []
    level, times = policy.level(TRAFFIC_LEVEL), found.road_times
    would = WouldHave(
        at=cycle.state.cycled_at,
        level=TRAFFIC_LEVEL,
        cause=cycle.decision.sentence,
        known_good=found.known_good.build,
        bad_build=cycle.bad_build,
        roads={
            component: {road: times.p95(road, policy.all_roads[road].takes) for road in roads}
            for component, roads in level.steered.items()
        },
    )
    return [Put(f"{WOULD}{newest_first(cycle.state.cycled_at)}", encode(would))]


def _pausing(found: Snapshot, cycle: Cycle) -> list[Write]:
    """The writes that pause the active change, when that is the decision."""
    change = found.change
    if cycle.decision.action is not Action.PAUSE or change is None or change.status is not ChangeStatus.ACTIVE:
        return []
    paused = replace(change, status=ChangeStatus.PAUSED, sentence=cycle.decision.sentence)
    return [found.save(CHANGE, paused)]
