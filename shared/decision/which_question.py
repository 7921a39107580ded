"""Which question people are asked: a workload has one at a time, and none about a firing that is settled."""

from shared.decision.asking import Wanted
from shared.decision.asks import Standing, standing
from shared.decision.plans import reactions_of
from shared.model.ask import Ask, AskStatus, Settled
from shared.model.decision import Action
from shared.model.policy import Policy
from shared.model.policy_approval import OnExpiry
from shared.model.watch import WatchState

# A trigger that would roll back if nobody had to be asked goes before one that asks, and both before a person.
_WEIGHT = {Action.ROLL_BACK: 2, Action.ASK: 1}


def gives_way(policy: Policy, current: Ask, wanted: Wanted, watch: WatchState) -> bool:
    """Tell whether an open question gives way to another one, and the approvals of it with it.

    A higher level stays. Of one level, a question stays while its trigger is as bad and as weighty as the other: two
    that fire at once must not take the place of each other for ever.
    """
    if current.level != wanted.level:
        return current.level < wanted.level
    if wanted.trigger in ("", current.trigger):
        return False
    return standing(current, watch)[0] is not Standing.BAD or _weight(policy, current) < _weight(policy, wanted)


def _weight(policy: Policy, asks: Ask | Wanted) -> int:
    reaction = reactions_of(policy).get(asks.trigger)
    return _WEIGHT.get(reaction.does, 0) if reaction else 0


def settled_by(settled: Settled, over: Ask, watch: WatchState) -> Settled:
    """Return what is settled once a question is over: people said no, or their silence does by the policy.

    What fires no more, or for another time, is settled no more. Where something was to be done and was not, people are
    asked again.
    """
    began = {reading.name: reading.since for reading in watch.readings}
    since = {name: at for name, at in settled.since.items() if began.get(name) == at}
    at = began.get(over.trigger)
    return Settled(since | {over.trigger: at}) if at is not None and _settles(over) else Settled(since)


def _settles(over: Ask) -> bool:
    if over.status is AskStatus.EXPIRED:
        return over.on_expiry is OnExpiry.HOLD or (over.four_eyes and over.on_expiry is OnExpiry.ACT)
    return over.status in (AskStatus.REJECTED, AskStatus.WITHDRAWN)
