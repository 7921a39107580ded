"""Who is to blame for what fires: the build, or something that going back would not heal.

Held back and said, but not rolled back, is what was bad before the change began and has not been well since, what is
bad together with the platform, a dependency or the other build, and what began when traffic had jumped. A suspect that
nobody can see holds nothing up: that the platform's status is out of reach is no sign that it is bad, a monitoring
outage must not keep users on a bad build, and the trigger itself has seen enough to fire. A policy may say otherwise
(`blind: hold`). A person's word overrules all of it: `guards.py` asks none of this by hand.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from statistics import median

from shared.decision.assess import Seen, assess
from shared.decision.conditions import kind_of
from shared.decision.windows import settled
from shared.model.attribution import Blame, Jump, Role, Suspect, Traffic
from shared.model.change import Change
from shared.model.policy import Policy
from shared.model.quantity import say_duration, say_moment
from shared.model.signal import Outcome, Sample
from shared.model.trigger import RollbackTrigger, TriggerReading, TriggerState, Verdict
from shared.model.watch import WatchState

_IS_BAD = {
    Role.PLATFORM: "the platform is bad too: {name} since {since}",
    Role.DEPENDENCY: "a dependency is bad too: {name} since {since}",
    Role.OTHER_BUILD: "the other build is bad as well, since {since}: to go back would not help",
}


def blames(policy: Policy, state: WatchState, change: Change | None, now: datetime) -> Mapping[str, Blame]:
    """Return why triggers that fire are not the doing of the build, by their names.

    Args:
        state: As `remembered` in this cycle.
    """
    firing = [reading for reading in state.readings if reading.state is TriggerState.FIRING]
    found = {reading.name: _blame(policy, state, change, reading, now) for reading in firing}
    return {name: blame for name, blame in found.items() if blame is not None}


def _blame(
    policy: Policy,
    state: WatchState,
    change: Change | None,
    reading: TriggerReading,
    now: datetime,
) -> Blame | None:
    """Return the first thing that speaks for the build; what nobody sees speaks last, where it may."""
    if change is not None and reading.name in state.bad_before:
        return Blame(
            f"it was already bad before the change: {reading.name} fired when {change} began at "
            f"{say_moment(change.started_at)}, and has not been seen well since",
            "",
        )
    for suspect, says in _suspected(policy, state):
        if says.state is TriggerState.FIRING:
            return _is_bad(suspect, says)
    if policy.traffic is not None and reading.name in state.jumps:
        jump = _still_up(policy.traffic, state.jumps[reading.name], state, now)
        if jump is not None:
            return jump
    return _unseen(policy, state, now) if policy.attribution.blind == "hold" else None


def _is_bad(suspect: Suspect, says: TriggerReading) -> Blame:
    since = say_moment(says.since) if says.since else "lately"
    return Blame(_IS_BAD[suspect.role].format(name=says.name, since=since), says.sentence)


def _suspected(policy: Policy, state: WatchState) -> Iterator[tuple[Suspect, TriggerReading]]:
    says = {reading.name: reading for reading in state.suspected}
    return ((suspect, says[suspect.rule.name]) for suspect in policy.suspects if suspect.rule.name in says)


def _unseen(policy: Policy, state: WatchState, now: datetime) -> Blame | None:
    unseen = [says for _, says in _suspected(policy, state) if says.verdict is Verdict.BLIND]
    if unseen:
        return Blame(
            f"nobody can see whether {unseen[0].name} is to blame, and the policy says hold", unseen[0].sentence
        )
    traffic = policy.traffic
    if traffic is None or _newest(traffic, state, now) is not None:
        return None
    return Blame(f"nobody can see whether {traffic.signal} had jumped, and the policy says hold", "")


def _still_up(traffic: Traffic, jump: Jump, state: WatchState, now: datetime) -> Blame | None:
    """Traffic that is back where it was explains nothing any more; while nobody sees it, it is not known to be back."""
    newest = _newest(traffic, state, now)
    if newest is not None and newest <= traffic.times * jump.usual:
        return None
    before = f"the {say_duration(traffic.before)} before"
    limitation = (
        f"traffic had jumped when it began: {traffic.signal} {jump.value:.10g}, "
        f"more than {traffic.times:g} times the {jump.usual:.10g} of {before}"
    )
    return Blame(limitation, "" if newest is None else f"{traffic.signal} is {newest:.10g} now")


def _heard(traffic: Traffic, state: WatchState, now: datetime) -> list[Sample]:
    found = settled(state.series.get(traffic.signal, ()), now - traffic.lag)
    return [sample for sample in found if sample.outcome is Outcome.MEASURED]


def _newest(traffic: Traffic, state: WatchState, now: datetime) -> float | None:
    """Return how much traffic there is, or `None` when nobody has seen it lately."""
    heard = _heard(traffic, state, now)
    return heard[-1].value if heard and now - traffic.lag - heard[-1].at <= traffic.patience else None


def remembered(
    policy: Policy, before: WatchState, state: WatchState, change: Change | None, now: datetime
) -> WatchState:
    """Return the state of a cycle with what it must keep to tell later whose doing something is.

    Args:
        before: That of the cycle before.
        state: With the samples and the readings of this cycle.
    """
    changing = change if change is not None and change.in_progress else None
    return replace(
        state,
        change_seen=changing.id if changing else "",
        suspected=_readings(policy, before, state, now),
        bad_before=_bad_before(policy, before, state, changing, now) if changing else (),
        jumps=_jumps(policy.traffic, before, state, now) if policy.traffic else {},
    )


def _readings(policy: Policy, before: WatchState, state: WatchState, now: datetime) -> tuple[TriggerReading, ...]:
    """Read the suspects; what they said before is needed, since samples are not kept for as long as one may be bad."""
    said, seen = {reading.name: reading for reading in before.suspected}, Seen(now=now)
    rules = [suspect.rule for suspect in policy.suspects]
    return tuple(assess(rule, state.series, seen, said.get(rule.name)) for rule in rules)


def _bad_before(
    policy: Policy, before: WatchState, state: WatchState, change: Change, now: datetime
) -> tuple[str, ...]:
    """Return the triggers that fired when a change began and have not been well since.

    A deployment may silence a probe for a while, which breaks what held on without a break; it heals nothing.
    """
    firing = {reading.name for reading in before.readings if reading.state is TriggerState.FIRING}
    fired = set(before.bad_before) if before.change_seen == change.id else firing
    seen = Seen(now=now, change_started=change.started_at)
    rules = [rule for rule in policy.rules if rule.name in fired]
    return tuple(rule.name for rule in rules if not _well_since(rule, state, seen, change.started_at))


def _well_since(rule: RollbackTrigger, state: WatchState, seen: Seen, moment: datetime) -> bool:
    view = seen.view(rule)
    inputs = {name: settled(state.series.get(name, ()), view.watermark) for name in rule.condition.inputs}
    line = kind_of(rule.condition).marks(rule.condition, inputs, replace(view, since=moment))
    return any(mark.violates is False and mark.at > moment for mark in line)


def _jumps(traffic: Traffic, before: WatchState, state: WatchState, now: datetime) -> dict[str, Jump]:
    """Return the jumps with which what violates began, by trigger; one that was seen stands while that goes on."""
    found = {}
    for reading in state.readings:
        known = before.jumps.get(reading.name)
        if reading.since is None:
            continue
        jump = known if known and known.since == reading.since else _jump(traffic, state, reading.since, now)
        if jump is not None:
            found[reading.name] = jump
    return found


def _jump(traffic: Traffic, state: WatchState, since: datetime, now: datetime) -> Jump | None:
    """Return the jump of traffic around a moment, if there was one.

    One that comes only later is none: clients of a bad build ask again, and again.
    """
    heard = _heard(traffic, state, now)
    around, before = 2 * traffic.every, since - 2 * traffic.every
    usual = [s.value for s in heard if before - traffic.before < s.at <= before and s.value is not None]
    highest = max((s.value or 0.0 for s in heard if before < s.at <= since + around), default=0.0)
    if len(usual) < traffic.before / traffic.every / 2:
        return None
    level = median(usual)
    return Jump(since=since, usual=level, value=highest) if highest > traffic.times * level > 0 else None
