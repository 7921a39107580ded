"""What follows from a firing trigger, and what a strategy that is asked for by name stands for."""

from collections.abc import Mapping

from shared.model.decision import TRAFFIC_LEVEL, Action, Plan, Reaction
from shared.model.policy import Policy
from shared.model.policy_approval import rule_for
from shared.model.policy_conditions.entry import EntryBase
from shared.model.trigger import Tier

BY_TIER = {
    Tier.CRITICAL: Reaction(does=Action.ROLL_BACK),
    Tier.WARNING: Reaction(does=Action.ASK),
    Tier.INVESTIGATION: Reaction(does=Action.PAUSE),
}
# People hear of what fires from its own events: nothing else follows.
_DOES = {action.value: action for action in Action if action is not Action.CONTINUE} | {"tell": Action.CONTINUE}


def plan_of(policy: Policy, strategy: str) -> Plan | None:
    """Return the plan that a policy has for a strategy, or `None`: an unknown one is never carried out."""
    known = policy.strategies.get(strategy)
    if known is None:
        return None
    return Plan(
        strategy=strategy,
        level=known.level,
        components=known.components or None,
        road=known.road,
        share=known.share,
        does=Action(known.does) if known.does else None,
    )


def reactions_of(policy: Policy) -> Mapping[str, Reaction]:
    """Return what follows from each trigger of a policy, by its name."""
    return {entry.name: _reaction(policy, tier, entry) for tier, _, entry in policy.triggers.by_tier()}


def _reaction(policy: Policy, tier: Tier, entry: EntryBase) -> Reaction:
    plan = plan_of(policy, entry.strategy) if entry.strategy else None
    does = _DOES[entry.does] if entry.does else BY_TIER[tier].does
    number = (plan.level if plan else None) or TRAFFIC_LEVEL
    level = policy.levels.by_number.get(number)
    return Reaction(
        does=plan.does if plan and plan.does else does,
        plan=plan,
        takes_people=rule_for(number, level.approval if level else None, None) is not None,
        while_change=entry.only_while == "change",
        once_per_change=entry.once == "change",
        confidence=entry.confidence,
    )
