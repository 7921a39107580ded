"""What the cycles of the watch make of a change: triggers hold it up, and perhaps it goes on when they are quiet."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from shared.decision.plans import reactions_of
from shared.model.change import Change, ChangeStatus
from shared.model.decision import Action, Decision
from shared.model.policy import Policy
from shared.model.quantity import say_span
from shared.model.trigger import TriggerReading, TriggerState, Verdict

BY_TRIGGER = "watch"
_LEADS_TO = {Action.PAUSE: ChangeStatus.PAUSED, Action.SLOW: ChangeStatus.SLOWED}
# A pause is the stronger word: nothing slows what is paused.
_HELD_BY = {
    Action.PAUSE: frozenset({ChangeStatus.ACTIVE, ChangeStatus.SLOWED}),
    Action.SLOW: frozenset({ChangeStatus.ACTIVE}),
}


def steered(
    policy: Policy, change: Change, decision: Decision, readings: Sequence[TriggerReading], now: datetime
) -> Change:
    """Return the change as a cycle leaves it, itself when nothing is to be done.

    Args:
        decision: That of the cycle.
        readings: What the triggers said in it.
    """
    change = _with_decided(policy, change, decision)
    if not change.in_progress:
        return change
    change = _with_overruled(change, readings)
    if decision.action in _LEADS_TO and decision.trigger is not None:
        return _held(change, decision, decision.trigger.name, now)
    return _let_go(policy, change, decision, readings, now) if change.trigger else change


def _with_decided(policy: Policy, change: Change, decision: Decision) -> Change:
    """Remember a trigger that decides once on a change; one that was held back has not decided yet."""
    if decision.trigger is None or decision.action is Action.CONTINUE or decision.trigger.name in change.decided:
        return change
    reaction = reactions_of(policy).get(decision.trigger.name)
    if reaction is None or not reaction.once_per_change:
        return change
    return replace(change, decided=(*change.decided, decision.trigger.name))


def _with_overruled(change: Change, readings: Sequence[TriggerReading]) -> Change:
    """A trigger is overruled for as long as it goes on firing; the next time it counts again."""
    firing = {reading.name for reading in readings if reading.state is TriggerState.FIRING}
    still = tuple(name for name in change.overruled if name in firing)
    return change if still == change.overruled else replace(change, overruled=still)


def _held(change: Change, decision: Decision, trigger: str, now: datetime) -> Change:
    """Hold a change up. What a person holds up stays that person's; of triggers, the one that fires now counts."""
    status = _LEADS_TO[decision.action]
    if change.status in _HELD_BY[decision.action]:
        held = change.moved(status, decision.sentence, now, by=BY_TRIGGER, trigger=trigger)
        return replace(held, overruled=change.overruled)
    if change.status is status and change.trigger not in ("", trigger):
        return replace(change, trigger=trigger, sentence=decision.sentence, quiet_since=None)
    return change if change.quiet_since is None else replace(change, quiet_since=None)


def _let_go(
    policy: Policy, change: Change, decision: Decision, readings: Sequence[TriggerReading], now: datetime
) -> Change:
    """Let a change go on, when the policy says so, once its trigger has been quiet for its own `for`."""
    rule = next((rule for rule in policy.rules if rule.name == change.trigger), None)
    if policy.control.resume != "by_itself" or rule is None:
        return change
    if not any(reading.name == rule.name and _is_quiet(reading) for reading in readings):
        return change if change.quiet_since is None else replace(change, quiet_since=None)
    quiet_since = change.quiet_since or now
    # That people want nothing taken back is no word for what is still bad to go on by itself.
    if now - quiet_since < rule.hold_for or decision.action is not Action.CONTINUE or decision.settled:
        return change if change.quiet_since else replace(change, quiet_since=quiet_since)
    quiet = f" for {say_span(now - quiet_since)}" if now > quiet_since else ""
    sentence = f"{change} resumed by itself: {rule.name} has been quiet{quiet}"
    overruled = change.overruled
    return replace(change.moved(ChangeStatus.ACTIVE, sentence, now, by=BY_TRIGGER), overruled=overruled)


def _is_quiet(reading: TriggerReading) -> bool:
    """Silence is not quiet: it must have been heard."""
    return reading.state is TriggerState.INACTIVE and reading.verdict is Verdict.HEALTHY
