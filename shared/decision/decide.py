"""Adds the readings of one cycle up to a verdict and a decision, in one sentence.

Read it aloud: a critical trigger that fires rolls back to level 1, unless something stands against it. A warning asks.
An investigation pauses the change. While a rollback runs, nothing else is decided, and what was seen before it healed
the world decides nothing after it. Whoever is blind waits, and says so. Everything else goes on.
"""

from collections.abc import Sequence
from dataclasses import replace

from shared.decision.guards import Situation, rollback_limitation
from shared.model.decision import Action, Decision
from shared.model.rollback import RunStatus
from shared.model.trigger import Tier, TriggerReading, TriggerState, Verdict

TRAFFIC_LEVEL = 1
_ACTING = frozenset({Tier.CRITICAL, Tier.WARNING})


def decide(readings: Sequence[TriggerReading], situation: Situation) -> Decision:
    """Decide what is to be done.

    Args:
        readings: One per trigger of the policy, in its order.
        situation: What a rollback would start from.
    """
    verdict = _verdict(readings)
    if situation.active_rollback is not None:
        sentence = f"rolling back: {situation.active_rollback} is under way; {_going_on(readings, verdict)}"
        return Decision(action=Action.CONTINUE, verdict=verdict, sentence=sentence)
    held_back: Decision | None = None
    for tier in Tier:
        firing = [reading for reading in readings if reading.tier is tier and _fires(reading, situation)]
        if not firing:
            continue
        decision = _on_firing(_longest(firing), verdict, situation)
        if decision.action is not Action.CONTINUE:
            return _also_held_back(decision, held_back)
        held_back = decision
    if held_back is not None:
        return held_back
    sentence = _going_on(readings, verdict) + _told_late(readings, situation)
    return Decision(action=Action.CONTINUE, verdict=verdict, sentence=sentence)


def _fires(reading: TriggerReading, situation: Situation) -> bool:
    """Tell whether a trigger fires on what was seen since the last rollback.

    One that was verified has changed the world: what is known from before it, and a slow source goes on telling of that
    for minutes, says nothing of the build that is live now. After any other end the world is as it was.
    """
    if reading.state is not TriggerState.FIRING:
        return False
    last = situation.last_rollback
    if last is None or last.status is not RunStatus.VERIFIED or reading.since is None:
        return True
    held_until = reading.since + reading.held
    # Where the last word stands, it was still said before: an alert that has not been resolved yet is no new alert.
    heard_since = (reading.heard_at or held_until) > last.ended_at
    return heard_since and held_until - last.ended_at >= reading.hold_for


def _told_late(readings: Sequence[TriggerReading], situation: Situation) -> str:
    late = any(r.state is TriggerState.FIRING and not _fires(r, situation) for r in readings)
    return (
        f"; seen mostly before rollback {situation.last_rollback.id} ended" if late and situation.last_rollback else ""
    )


def _also_held_back(decision: Decision, held_back: Decision | None) -> Decision:
    """A rollback that is held back does not keep the lower tiers from asking or pausing."""
    if held_back is None:
        return decision
    sentence = f"{decision.sentence}; {held_back.sentence}"
    return replace(decision, sentence=sentence, limitation=held_back.limitation)


def _verdict(readings: Sequence[TriggerReading]) -> Verdict:
    """Unhealthy if any trigger sees it, blind if one that could roll back cannot see, healthy if one was heard."""
    said = {reading.verdict for reading in readings}
    if Verdict.UNHEALTHY in said:
        return Verdict.UNHEALTHY
    blind = any(reading.verdict is Verdict.BLIND and reading.tier in _ACTING for reading in readings)
    return Verdict.BLIND if blind or Verdict.HEALTHY not in said else Verdict.HEALTHY


def _on_firing(reading: TriggerReading, verdict: Verdict, situation: Situation) -> Decision:
    if reading.tier is Tier.INVESTIGATION:
        return Decision(
            action=Action.PAUSE,
            verdict=verdict,
            sentence=f"pause the change: {reading.sentence}",
            trigger=reading,
        )
    if reading.tier is Tier.WARNING:
        return Decision(
            action=Action.ASK,
            verdict=verdict,
            sentence=f"ask whether to roll back to level {TRAFFIC_LEVEL}: {reading.sentence}",
            level=TRAFFIC_LEVEL,
            trigger=reading,
        )
    return _roll_back(reading, verdict, situation)


def _roll_back(reading: TriggerReading, verdict: Verdict, situation: Situation) -> Decision:
    limitation = rollback_limitation(replace(situation, firing=reading))
    if limitation is not None:
        return Decision(
            action=Action.CONTINUE,
            verdict=verdict,
            sentence=f"not rolled back: {limitation}; {reading.sentence}",
            trigger=reading,
            limitation=limitation,
        )
    return Decision(
        action=Action.ROLL_BACK,
        verdict=verdict,
        sentence=f"roll back to level {TRAFFIC_LEVEL}: {reading.sentence}",
        level=TRAFFIC_LEVEL,
        trigger=reading,
    )


def _going_on(readings: Sequence[TriggerReading], verdict: Verdict) -> str:
    """Say the one thing that matters most: what is getting worse, what cannot be seen, or that all is quiet."""
    if verdict is Verdict.HEALTHY:
        heard = [reading for reading in readings if reading.verdict is Verdict.HEALTHY]
        return f"healthy: {heard[0].sentence}; {len(heard)} of {len(readings)} triggers heard and quiet"
    worst = [
        reading
        for reading in readings
        if reading.verdict is verdict and (verdict is Verdict.UNHEALTHY or reading.tier in _ACTING)
    ]
    if not worst:
        return "blind: no trigger has anything to stand on yet"
    return f"{verdict}: {_longest(worst).sentence}"


def _longest(readings: Sequence[TriggerReading]) -> TriggerReading:
    return max(readings, key=lambda reading: reading.held)
