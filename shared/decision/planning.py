"""Which planner plans a run."""

from datetime import datetime

from shared.decision.drill import plan_drill
from shared.decision.promotion import plan_promotion
from shared.decision.roads import Ending, Plan, plan_rollback
from shared.model.policy import Policy
from shared.model.run import Run, RunKind, RunStatus


def plan(policy: Policy, run: Run, now: datetime) -> Plan:
    """Say what a run does now. It follows from the policy and the run's own record alone."""
    if run.kind is RunKind.PROMOTION:
        return plan_promotion(run, now)
    if run.level not in policy.levels.by_number:
        return Plan(ending=Ending(RunStatus.FAILED, f"the policy has no level {run.level} any more"))
    return plan_drill(policy, run, now) if run.kind is RunKind.DRILL else plan_rollback(policy, run, now)
