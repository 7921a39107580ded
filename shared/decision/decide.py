"""Adds the readings of one cycle up to a verdict and a decision, in one sentence.

Read it aloud: a critical trigger that fires rolls back, unless something stands against it. A warning asks. An
investigation pauses or slows the change. What only tells is heard of, and nothing follows. Of what fires, the
strongest counts; of equals, the one that waits for nobody, then the one that has fired for longest. What people said no
to goes on firing, and keeps none of the weaker ones from acting. While a rollback runs, nothing else is decided, and
what was seen before it healed the world decides nothing after it. Whoever is blind waits, and says so. Everything else
goes on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from shared.decision.guards import Situation, rollback_limitation
from shared.decision.plans import BY_TIER
from shared.model.decision import TRAFFIC_LEVEL, Action, Decision, Reaction
from shared.model.run import RunStatus
from shared.model.trigger import Tier, TriggerReading, TriggerState, Verdict

_ACTING = frozenset({Tier.CRITICAL, Tier.WARNING})
_STRONGEST_FIRST = (Action.ROLL_BACK, Action.ASK, Action.PAUSE, Action.SLOW)
HOLDING = frozenset({Action.PAUSE, Action.SLOW})


@dataclass(frozen=True, slots=True)
class _Trigger:
    """A trigger as it stands, and what follows when it fires."""

    reading: TriggerReading
    reaction: Reaction

    @property
    def strategy(self) -> str:
        return self.reaction.plan.strategy if self.reaction.plan else ""

    @property
    def level(self) -> int:
        return (self.reaction.plan.level if self.reaction.plan else None) or TRAFFIC_LEVEL

    @property
    def asks(self) -> bool:
        rolls_back = self.reaction.does is Action.ROLL_BACK
        return self.reaction.does is Action.ASK or (rolls_back and self.reaction.takes_people)

    @property
    def sure(self) -> str:
        confidence = self.reaction.confidence
        return "" if confidence is None else f"confidence {confidence:.3g}"

    @property
    def back_to(self) -> str:
        how = ", ".join(part for part in (self.strategy, self.sure) if part)
        return f"level {self.level} ({how})" if how else f"level {self.level}"


def decide(
    readings: Sequence[TriggerReading], situation: Situation, reactions: Mapping[str, Reaction] = {}
) -> Decision:
    """Decide what is to be done.

    Args:
        readings: One per trigger of the policy, in its order.
        situation: What a rollback would start from.
        reactions: What follows from each trigger; what its tier says where none is given.
    """
    triggers = _that_count(readings, situation, reactions)
    readings = [trigger.reading for trigger in triggers]
    verdict = _verdict(readings)
    if situation.active_rollback is not None:
        sentence = f"rolling back: {situation.active_rollback} is under way; {_going_on(readings, verdict)}"
        return Decision(action=Action.CONTINUE, verdict=verdict, sentence=sentence)
    held_back: Decision | None = None
    for action in _STRONGEST_FIRST:
        firing = [t for t in triggers if t.reaction.does is action and _fires(t, situation)]
        if not firing:
            continue
        decision = _on_firing(_speaker(firing, situation), verdict, situation)
        if decision.action is not Action.CONTINUE:
            return _beside_no(_also_held_back(decision, held_back), triggers, situation)
        held_back = decision
    sentence = _going_on(readings, verdict) + _not_followed(triggers, situation)
    goes_on = held_back or Decision(action=Action.CONTINUE, verdict=verdict, sentence=sentence)
    return _beside_no(goes_on, triggers, situation)


def _that_count(
    readings: Sequence[TriggerReading], situation: Situation, reactions: Mapping[str, Reaction]
) -> list[_Trigger]:
    """Return the triggers; one that looks at changes alone says nothing, not even that it is blind, without one."""
    triggers = [_Trigger(reading, reactions.get(reading.name, BY_TIER[reading.tier])) for reading in readings]
    changing = situation.change is not None and situation.change.in_progress
    return [trigger for trigger in triggers if changing or not trigger.reaction.while_change]


def _fires(trigger: _Trigger, situation: Situation) -> bool:
    reading = trigger.reading
    if reading.state is not TriggerState.FIRING or _is_late(reading, situation):
        return False
    out = (_is_settled, _is_overruled, _has_decided)
    return not any(is_out(trigger, situation) for is_out in out)


def _is_late(reading: TriggerReading, situation: Situation) -> bool:
    """Tell whether a trigger fires on what was seen before the last rollback ended.

    One that was verified has changed the world: what is known from before it, and a slow source goes on telling of that
    for minutes, says nothing of the build that is live now. After any other end the world is as it was.
    """
    last = situation.last_rollback
    if last is None or last.ended_at is None or last.status is not RunStatus.VERIFIED or reading.since is None:
        return False
    held_until = reading.since + reading.held
    # Where the last word stands, it was still said before: an alert that has not been resolved yet is no new alert.
    heard_since = (reading.heard_at or held_until) > last.ended_at
    return not heard_since or held_until - last.ended_at < reading.hold_for


def _is_settled(trigger: _Trigger, situation: Situation) -> bool:
    """Nobody asks again about this firing, and what it asks for does not begin unasked."""
    return trigger.asks and trigger.reading.name in situation.settled


def _is_overruled(trigger: _Trigger, situation: Situation) -> bool:
    """Somebody who knew that it fires let the change go on; what would take the change back is not overruled so."""
    change = situation.change
    return change is not None and trigger.reaction.does in HOLDING and trigger.reading.name in change.overruled


def _has_decided(trigger: _Trigger, situation: Situation) -> bool:
    change = situation.change
    return change is not None and trigger.reaction.once_per_change and trigger.reading.name in change.decided


def _not_followed(triggers: Sequence[_Trigger], situation: Situation) -> str:
    """Say why nothing follows although something fires."""
    firing = [t for t in triggers if t.reading.state is TriggerState.FIRING and t.reaction.does is not Action.CONTINUE]
    if situation.last_rollback and any(_is_late(trigger.reading, situation) for trigger in firing):
        return f"; seen mostly before rollback {situation.last_rollback.id} ended"
    overruled = [trigger.reading.name for trigger in firing if _is_overruled(trigger, situation)]
    if overruled:
        return f"; the change goes on all the same, as a person said: {', '.join(overruled)}"
    decided = [trigger.reading.name for trigger in firing if _has_decided(trigger, situation)]
    return f"; decided once on this change already: {', '.join(decided)}" if decided else ""


def _also_held_back(decision: Decision, held_back: Decision | None) -> Decision:
    """A rollback that is held back does not keep the weaker ones from asking or pausing."""
    if held_back is None:
        return decision
    sentence = f"{decision.sentence}; {held_back.sentence}"
    return replace(decision, sentence=sentence, limitation=held_back.limitation)


def _beside_no(decision: Decision, triggers: Sequence[_Trigger], situation: Situation) -> Decision:
    """Whatever is done short of a rollback says what people do not want to be done."""
    firing = [t for t in triggers if t.reading.state is TriggerState.FIRING and _is_settled(t, situation)]
    if decision.action is Action.ROLL_BACK or not firing:
        return decision
    settled = tuple(trigger.reading.name for trigger in firing)
    sentence = f"{decision.sentence}; people said no to {', '.join(settled)}, or did not answer"
    return replace(decision, sentence=sentence, settled=settled)


def _verdict(readings: Sequence[TriggerReading]) -> Verdict:
    """Unhealthy if any trigger sees it, blind if one that could roll back cannot see, healthy if one was heard."""
    said = {reading.verdict for reading in readings}
    if Verdict.UNHEALTHY in said:
        return Verdict.UNHEALTHY
    blind = any(reading.verdict is Verdict.BLIND and reading.tier in _ACTING for reading in readings)
    return Verdict.BLIND if blind or Verdict.HEALTHY not in said else Verdict.HEALTHY


_HOLDS = {Action.PAUSE: "pause", Action.SLOW: "slow"}


def _on_firing(trigger: _Trigger, verdict: Verdict, situation: Situation) -> Decision:
    reading, action = trigger.reading, trigger.reaction.does
    if action in _HOLDS:
        sure = f" ({trigger.sure})" if trigger.sure else ""
        return Decision(
            action=action,
            verdict=verdict,
            sentence=f"{_HOLDS[action]} the change{sure}: {reading.sentence}",
            trigger=reading,
            strategy=trigger.strategy,
            confidence=trigger.reaction.confidence,
        )
    limitation = rollback_limitation(replace(situation, firing=reading)) if action is Action.ROLL_BACK else None
    if limitation is not None:
        sentence = f"not rolled back: {_with_numbers(limitation, reading, situation)}; {reading.sentence}"
        return Decision(
            action=Action.CONTINUE, verdict=verdict, sentence=sentence, trigger=reading, limitation=limitation
        )
    asking, blame = action is Action.ASK, situation.blames.get(reading.name)
    what = "ask whether to roll back" if asking else "roll back"
    but = f"; but {blame}" if asking and blame else ""
    return Decision(
        action=action,
        verdict=verdict,
        sentence=f"{what} to {trigger.back_to}: {reading.sentence}{but}",
        level=trigger.level,
        trigger=reading,
        strategy=trigger.strategy,
        confidence=trigger.reaction.confidence,
    )


def _with_numbers(limitation: str, reading: TriggerReading, situation: Situation) -> str:
    """Add what is seen now of whoever is to blame; the limitation itself stays the same as long as it stands."""
    blame = situation.blames.get(reading.name)
    return str(blame) if blame and blame.limitation == limitation else limitation


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


def _speaker(firing: Sequence[_Trigger], situation: Situation) -> _Trigger:
    """The one by which it is done.

    What begins by itself goes before what people are asked about, and before what they settled while they were asked.
    What takes back all of a level goes before what takes back a part of it.
    """

    def weight(trigger: _Trigger) -> tuple[bool, bool, bool, timedelta]:
        reading, reaction = trigger.reading, trigger.reaction
        whole = not (reaction.plan and reaction.plan.restricted)
        return not reaction.takes_people, reading.name not in situation.settled, whole, reading.held

    return max(firing, key=weight)
