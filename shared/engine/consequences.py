"""What a decision entails, as writes of the same commit: a rollback, a note of one left undone, a paused change."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from shared.decision.asking import Wanted, approval_rule
from shared.decision.control import Standing
from shared.decision.cycle import Cycle
from shared.decision.guards import OBSERVING
from shared.decision.planned import planned
from shared.decision.reasons import Reasons, Why, verdicts_of
from shared.decision.steering import steered
from shared.engine.asking import Asking
from shared.engine.change_writes import telling
from shared.engine.records import ACTIVE, ASK, CHANGE, RUN, WHY, WOULD, Snapshot, announce, decode, encode, newest_first
from shared.engine.start import envelope_writes, id_of_run, starting_writes
from shared.engine.starting_point import Wish, rollback_from
from shared.model.ask import Ask
from shared.model.change import Change, ChangeStatus
from shared.model.checkpoint import Checkpoints
from shared.model.decision import TRAFFIC_LEVEL, Action
from shared.model.event import Event, EventKind
from shared.model.policy import Policy
from shared.model.run import BY_WATCH, Run, WouldHave
from shared.ports import Insert, Put, Replace, Write


def consequences(
    policy: Policy,
    found: Snapshot,
    cycle: Cycle,
    reasons: Callable[[], Reasons],
    lower: Run | None = None,
    asking: Asking | None = None,
) -> list[Write]:
    """Return the writes that a decision entails.

    Args:
        reasons: Returns what the cycle went on; it is kept with a rollback that starts.
        lower: The promotion or drill whose place a rollback takes; the commit must also end that run's own record.
        asking: Puts questions to people; without it nobody is asked.
    """
    starting = _starting(policy, found, cycle, reasons, lower)
    begun = (cycle.decision.level or TRAFFIC_LEVEL) if starting else None
    asked = _asked(policy, found, cycle, asking, begun) if asking else []
    return [*starting, *asked, *_noting(policy, found, cycle), *_steering(policy, found, cycle, _run_of(starting))]


def asks(policy: Policy, cycle: Cycle, checkpoints: Checkpoints) -> bool:
    """Whether the decision is to ask people: of a trigger that asks, or because its level takes an approval."""
    decision = cycle.decision
    if decision.action is Action.ASK:
        return True
    rolls_back = decision.action is Action.ROLL_BACK and decision.level is not None
    return rolls_back and approval_rule(policy, decision.level or 0, "", checkpoints) is not None


def _asked(policy: Policy, found: Snapshot, cycle: Cycle, asking: Asking, begun: int | None) -> list[Write]:
    """The writes of a question: of a new one, of one that nobody answered in time, or of one that stood before a start.

    Args:
        begun: The level that begins in the same commit, if one does.
    """
    found = replace(found, watch=cycle.state)
    if begun is not None:
        return asking.beside(found, begun, cycle.decision.sentence)
    swept = asking.sweep(policy, found, found.ask) if found.ask else []
    wanted = _wanted(policy, found, cycle)
    return swept or (_asking(policy, found, asking, wanted) if wanted else [])


def _asking(policy: Policy, found: Snapshot, asking: Asking, wanted: Wanted) -> list[Write]:
    """Ask only while a promotion that runs goes on; one that went back meanwhile has done what would be asked."""
    asked = asking.ask(policy, found, found.ask, wanted)
    return [*asked, found.save(ACTIVE, found.active)] if asked and found.active else asked


def _wanted(policy: Policy, found: Snapshot, cycle: Cycle) -> Wanted | None:
    """What people are to be asked for, if anything is."""
    decision = cycle.decision
    if decision.level is None or decision.trigger is None or found.known_good is None:
        return None
    if not asks(policy, cycle, found.checkpoints):
        return None
    return Wanted(
        id=id_of_run(policy.workload, cycle.state.cycled_at),
        level=decision.level,
        strategy=decision.strategy,
        build=found.known_good.build,
        bad_build=cycle.bad_build,
        cause=decision.trigger.sentence,
        trigger=decision.trigger.name,
        requested_by_id=BY_WATCH,
        requested_by=BY_WATCH,
    )


def untold(cycle: Cycle, writes: Sequence[Write]) -> Sequence[Event]:
    """Return the events of a cycle that nothing in its commit tells: a question that is put tells of itself."""
    decision = cycle.decision
    put = [decode(Ask, write.body) for write in writes if write.key == ASK and isinstance(write, Insert | Replace)]
    if decision.trigger is None or decision.trigger.name not in {ask.trigger for ask in put}:
        return cycle.events
    return [event for event in cycle.events if event.kind is not EventKind.ASKED]


def _starting(
    policy: Policy, found: Snapshot, cycle: Cycle, reasons: Callable[[], Reasons], lower: Run | None
) -> list[Write]:
    """The writes that start a rollback, when that is the decision."""
    decision = cycle.decision
    if decision.action is not Action.ROLL_BACK or decision.level is None or found.known_good is None:
        return []
    if asks(policy, cycle, found.checkpoints):
        return []
    wish = Wish(
        level=decision.level,
        strategy=decision.strategy,
        cause=decision.sentence,
        requested_by=BY_WATCH,
        requested_by_id=BY_WATCH,
        trigger=decision.trigger.name if decision.trigger else "",
    )
    effective = planned(policy, decision.level, decision.strategy)
    run = rollback_from(effective, found, found.known_good, lower, cycle.state.cycled_at, wish)
    why = Why(reasons=reasons(), verdicts=verdicts_of(cycle))
    return [
        *starting_writes(policy, run, active_version=found.versions.get(ACTIVE) if lower else None),
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


def _run_of(starting: Sequence[Write]) -> str | None:
    """Return the id of the rollback that starts, if one does."""
    keys = [write.key for write in starting if isinstance(write, Insert)]
    return next((key.removeprefix(RUN) for key in keys if key.startswith(RUN)), None)


def _steering(policy: Policy, found: Snapshot, cycle: Cycle, starts: str | None) -> list[Write]:
    """The writes of what the cycle makes of the change: it is held up, or goes on, or its hook is told of something."""
    if found.change is None:
        return []
    state, now = cycle.state, cycle.state.cycled_at
    change = steered(policy, found.change, cycle.decision, state.readings, now)
    events = _steering_events(policy, found.change, change, cycle)
    deliveries: list[Write] = []
    if policy.control.hook is not None:
        standing = Standing(
            policy=policy,
            change=change,
            rolling_back=starts or found.rolling_back,
            state=state,
            now=now,
            checkpoints=found.checkpoints,
        )
        change, deliveries = telling(standing, change)
    return [*([found.save(CHANGE, change)] if change != found.change else []), *deliveries, *events]


_STEERED = {
    ChangeStatus.ACTIVE: EventKind.RESUMED,
    ChangeStatus.SLOWED: EventKind.SLOWED,
    ChangeStatus.PAUSED: EventKind.PAUSED,
}


def _steering_events(policy: Policy, before: Change, after: Change, cycle: Cycle) -> list[Write]:
    """Tell that the change was held up or goes on, where the decision itself has not been told."""
    kind = _STEERED.get(after.status)
    if after.status is before.status or kind is None or any(event.kind is kind for event in cycle.events):
        return []
    at = cycle.state.cycled_at
    event = Event(workload=policy.workload, kind=kind, at=at, sentence=after.sentence, about=after.id)
    return announce(event, policy.notify)
