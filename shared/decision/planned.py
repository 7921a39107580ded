"""A policy as a run by a strategy sees it: its level takes the components and the road of the plan, with its share."""

from typing import Any

from shared.decision.asking import roads_of
from shared.decision.plans import plan_of
from shared.model.policy import Policy
from shared.model.policy_levels import Level, Levels

_FIELDS = ("traffic", "data", "platform", "recovery")


def planned(policy: Policy, level: int, strategy: str) -> Policy:
    """Return the policy by which a run of a level goes; the policy itself where no strategy restricts it."""
    plan = plan_of(policy, strategy) if strategy else None
    if plan is None or not plan.restricted or level not in policy.levels.by_number:
        return policy
    restricted = policy.level(level).model_copy(
        update={"roads": (), "components": roads_of(policy, level, strategy), "emergency": ()}
    )
    roads: dict[str, Any] = dict(policy.roads)
    if plan.road in roads and plan.share is not None:
        roads[plan.road] = roads[plan.road].model_copy(update={"share": plan.share})
    return policy.changed(levels=_with(policy.levels, level, restricted), roads=roads)


def _with(levels: Levels, number: int, level: Level) -> Levels:
    return levels.model_copy(update={_FIELDS[number - 1]: level})
