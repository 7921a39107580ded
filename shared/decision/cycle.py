"""One cycle of the watch as a pure function: what was known, what is new and the time give what is known now.

It can therefore be replayed on history, and tested by the thousand.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from shared.decision.assess import Seen
from shared.decision.attribution import blames, remembered
from shared.decision.belated import in_time
from shared.decision.decide import decide
from shared.decision.delays import assess_late, learn, learned_delay
from shared.decision.derived import with_derived
from shared.decision.guards import Situation
from shared.decision.plans import reactions_of
from shared.model.ask import Settled
from shared.model.change import Change, KnownGood
from shared.model.decision import Action, Decision
from shared.model.event import Event, EventKind
from shared.model.policy import Policy
from shared.model.policy_derived_base import sources_of
from shared.model.quarantine import Quarantine
from shared.model.run import LastRollback
from shared.model.signal import Sample, Series, merge
from shared.model.trigger import RollbackTrigger, TriggerReading, TriggerState, Verdict
from shared.model.watch import WatchState

# A watch that stood still for longer has missed something: what was pushed meanwhile may still lie in its queue.
_WITHOUT_BREAK = timedelta(minutes=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a cycle starts from besides the samples.

    Attributes:
        started: When the automatic rollbacks of late were started.
        fleet: Why the fleet as a whole lets no rollback start, if it does not.
        swaps_only: Level 1 has no other road than slot swaps.
        promoted: The build that is being promoted; empty when none is.
    """

    state: WatchState
    known_good: KnownGood | None = None
    change: Change | None = None
    active_rollback: str | None = None
    last_rollback: LastRollback | None = None
    started: tuple[datetime, ...] = ()
    quarantine: Quarantine = field(default_factory=Quarantine)
    settled: Settled = field(default_factory=Settled)
    fleet: str | None = None
    swaps_only: bool = True
    promoted: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What this cycle brought.

    Attributes:
        samples: By signal.
        asked: The signals that were asked for.
        asked_at: When they were: before their sources began to answer, so that a slow answer does not put off the next
            question. `None` when nobody collected.
        build_seen: The build that was seen served, if one was.
        held_up: What was sent may lie somewhere and not have arrived.
    """

    samples: dict[str, tuple[Sample, ...]]
    asked: tuple[str, ...] = ()
    asked_at: datetime | None = None
    build_seen: str = ""
    held_up: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cycle:
    """The outcome of a cycle: the new state to save, the decision, and the transitions to record.

    Attributes:
        bad_build: What a rollback would take back; empty when nobody named or saw it.
    """

    state: WatchState
    decision: Decision
    events: tuple[Event, ...]
    bad_build: str = ""


def next_cycle(policy: Policy, known: Known, news: News, now: datetime) -> Cycle:
    """Merge what is new, read every trigger, decide, and say what changed."""
    state = _with_news(policy, known.state, news, now)
    said = {reading.name: reading for reading in known.state.readings}
    seen = _seen(known, state, now)
    readings = tuple(
        assess_late(rule, _late(policy, rule, state), state.series, seen, said.get(rule.name)) for rule in policy.rules
    )
    return concluded(policy, known, replace(state, readings=readings), now)


def concluded(policy: Policy, known: Known, state: WatchState, now: datetime) -> Cycle:
    """Decide on what the triggers say, and say what changed.

    Args:
        known: What the cycle started from.
        state: With the samples and the readings of this cycle.
    """
    readings = state.readings
    state = remembered(policy, known.state, state, known.change, now)
    settled = frozenset(reading.name for reading in readings if known.settled.has(reading.name, reading.since))
    situation = replace(_situation(policy, known, state, now), settled=settled)
    decision = decide(readings, situation, reactions_of(policy))
    before = known.state
    events = (
        *_trigger_events(policy, before, readings, now),
        *_decision_events(policy, before, decision, now),
        *_sight_events(policy, before, decision, now),
    )
    state = _with_decision(state, before, readings, decision, now)
    state, paged = _page_when_blind(policy, state, now)
    return Cycle(state=state, decision=decision, events=events + paged, bad_build=situation.bad_build)


def _with_news(policy: Policy, state: WatchState, news: News, now: datetime) -> WatchState:
    news = replace(news, samples=_in_time(policy, state, news, now))
    series: dict[str, Series] = {
        name: merge(state.series.get(name, ()), news.samples.get(name, ()), now=now, keep=policy.horizon(name))
        for name in policy.signals
    }
    series = with_derived(policy, series, news.samples, now)
    asked = dict.fromkeys(news.asked, news.asked_at or now)
    arrivals = learn(policy.signals, state.arrivals, state.series, news.samples, asked, (state.cycled_at, now))
    collected_at = {name: at for name, at in state.collected_at.items() if name in policy.signals}
    if news.asked_at is not None:
        collected_at.update(dict.fromkeys(news.asked, news.asked_at))
        state = replace(state, watched_at=now)
    goes_on = now - state.cycled_at <= _WITHOUT_BREAK and not news.held_up
    since = state.watching_since if goes_on else None
    state = replace(
        state,
        series=series,
        collected_at=collected_at,
        arrivals=arrivals,
        cycled_at=now,
        watching_since=since or now,
    )
    if news.build_seen:
        state = replace(state, production_build=news.build_seen, production_build_at=now)
    return state


def _in_time(policy: Policy, state: WatchState, news: News, now: datetime) -> dict[str, tuple[Sample, ...]]:
    found = {}
    for name, fresh in news.samples.items():
        signal = policy.signals.get(name)
        if signal is not None:
            late = max(signal.delay, learned_delay(state.arrivals.get(name))) if name in news.asked else None
            found[name] = tuple(in_time(signal, state.series.get(name, ()), fresh, now, late))
    return found


def _late(policy: Policy, rule: RollbackTrigger, state: WatchState) -> dict[str, timedelta]:
    """Return the learned delays of what a trigger stands on in the end."""
    names = frozenset().union(*(sources_of(name, policy.signals) for name in rule.condition.inputs))
    return {name: learned_delay(state.arrivals.get(name)) for name in names}


def _seen(known: Known, state: WatchState, now: datetime) -> Seen:
    change = known.change if known.change is not None and known.change.in_progress else None
    started = change.started_at if change else None
    return Seen(now=now, change_started=started, watched_since=state.watching_since)


def _situation(policy: Policy, known: Known, state: WatchState, now: datetime) -> Situation:
    return Situation(
        now=now,
        guards=policy.guards,
        known_good=known.known_good,
        production_build=state.build_seen_lately(now),
        active_rollback=known.active_rollback,
        last_rollback=known.last_rollback,
        swaps_only=known.swaps_only,
        change=known.change,
        started=known.started,
        quarantine=known.quarantine,
        fleet=known.fleet,
        promoted=known.promoted,
        blames=blames(policy, state, known.change, now),
    )


_STATE_EVENTS = {
    TriggerState.INACTIVE: EventKind.CLEARED,
    TriggerState.PENDING: EventKind.PENDING,
    TriggerState.FIRING: EventKind.FIRING,
}


def _trigger_events(
    policy: Policy, before: WatchState, readings: Sequence[TriggerReading], now: datetime
) -> Iterable[Event]:
    states = {reading.name: reading.state for reading in before.readings}
    for reading in readings:
        if reading.state is not states.get(reading.name, TriggerState.INACTIVE):
            yield Event(
                workload=policy.workload,
                kind=_STATE_EVENTS[reading.state],
                at=now,
                sentence=f"{reading.name} is {reading.state}: {reading.sentence}",
                about=reading.name,
                since=reading.since,
            )


def _decision_events(policy: Policy, before: WatchState, decision: Decision, now: datetime) -> Iterable[Event]:
    same = decision.action is before.action and decision.limitation == before.limitation
    kind = {
        Action.ROLL_BACK: EventKind.DECIDED,
        Action.ASK: EventKind.ASKED,
        Action.PAUSE: EventKind.PAUSED,
        Action.SLOW: EventKind.SLOWED,
        Action.CONTINUE: EventKind.HELD_BACK,
    }[decision.action]
    if same or (decision.action is Action.CONTINUE and decision.limitation is None):
        return
    about = decision.trigger.name if decision.trigger else ""
    yield Event(workload=policy.workload, kind=kind, at=now, sentence=decision.sentence, about=about)


def _with_decision(
    state: WatchState, before: WatchState, readings: tuple[TriggerReading, ...], decision: Decision, now: datetime
) -> WatchState:
    blind = decision.verdict is Verdict.BLIND
    return replace(
        state,
        readings=readings,
        verdict=decision.verdict,
        action=decision.action,
        limitation=decision.limitation,
        sentence=decision.sentence,
        since=before.since if decision.verdict is before.verdict else now,
        blind_since=(before.blind_since or now) if blind else None,
        blind_told=before.blind_told and blind,
    )


def _page_when_blind(policy: Policy, state: WatchState, now: datetime) -> tuple[WatchState, tuple[Event, ...]]:
    """Blindness never rolls anything back; once it lasts, people must know that nobody is watching."""
    due = state.blind_since is not None and now - state.blind_since >= policy.guards.blind_page_after
    if not due or state.blind_told:
        return state, ()
    event = Event(
        workload=policy.workload, kind=EventKind.BLIND, at=now, sentence=state.sentence, since=state.blind_since
    )
    return replace(state, blind_told=True), (event,)


def _sight_events(policy: Policy, before: WatchState, decision: Decision, now: datetime) -> Iterable[Event]:
    """Whoever was told of blindness is told of its end."""
    if before.blind_told and decision.verdict is not Verdict.BLIND:
        sentence = f"sees again: {decision.sentence}"
        yield Event(workload=policy.workload, kind=EventKind.SIGHTED, at=now, sentence=sentence)
