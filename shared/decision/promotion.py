"""The planner of a promotion: one stage after the other, each begun when the one before is done.

The new build is asked by itself first, then it gets its shares, then production; after each of these it bakes. What
ends badly before anybody got it is `refused`; what ends badly after that has failed, and level 1 takes it back.
"""

from datetime import datetime, timedelta

from shared.decision.roads import Ending, Plan
from shared.model.policy import Policy
from shared.model.policy_promotion import Promotion
from shared.model.quarantine import Quarantine
from shared.model.run import Run, RunStatus, StepPhase, StepRecord
from shared.model.stage import Stage, StageOf

IN_PRODUCTION = "production"
_SWAP_WITHIN = timedelta(minutes=20)
_ASKED_WITHIN = timedelta(minutes=5)


def stages(policy: Policy, promotion: Promotion) -> tuple[StageOf, ...]:
    """Return the stages of a promotion that begins now, in their order."""
    found = [StageOf(Stage.WARM, within=_ASKED_WITHIN)] if promotion.slot else []
    found += [StageOf(Stage.SMOKE, within=_ASKED_WITHIN)] if promotion.smoke else []
    for share in promotion.steps:
        road, at = promotion.road or "", f"{share * 100:g}"
        found.append(StageOf(Stage.SHARE, at, share, road, policy.all_roads[road].give_up_after))
        found.append(_held(promotion, Stage.BAKE, at))
    return (*found, *(_of_production(policy, promotion) if promotion.slot else ()))


def _of_production(policy: Policy, promotion: Promotion) -> list[StageOf]:
    found = [StageOf(Stage.SWAP, road=f"{Stage.SWAP}:{promotion.slot}", within=_SWAP_WITHIN)]
    if promotion.road:  # what the swap left in the slot is the old build: nobody is to be sent there any more
        within = policy.all_roads[promotion.road].give_up_after
        found.append(StageOf(Stage.UNSHARE, road=promotion.road, within=within))
    # People may swap back while it bakes: what is made the known good was seen last of all.
    looks = (Stage.VERIFY, ""), (Stage.BAKE, IN_PRODUCTION), (Stage.CONFIRM, "")
    return [*found, *(_held(promotion, kind, at) for kind, at in looks)]


def _held(promotion: Promotion, kind: Stage, at: str) -> StageOf:
    """Return a stage that holds for as long as nobody can see."""
    bakes = promotion.bake if kind is Stage.BAKE else timedelta(0)
    return StageOf(kind, at, bakes=bakes, hold_at_most=promotion.hold_at_most)


def plan_promotion(run: Run, now: datetime) -> Plan:
    """Say what a promotion does now: its stages were pinned when it began."""
    last = run.steps[-1]
    if not last.phase.over:
        return Plan(live=(last.name,))
    if last.phase is not StepPhase.DONE:
        return Plan(ending=_badly(run, f"{last.name}: {last.note}"))
    done = {step.name for step in run.steps}
    ahead = [stage for stage in run.stages if stage.name not in done]
    if not ahead:
        return Plan(ending=Ending(RunStatus.VERIFIED, f"build {run.promoted} is in production"))
    opened = opened_stage(ahead[0], now)
    return Plan(opened=(opened,), live=(opened.name,))


def opened_stage(stage: StageOf, now: datetime) -> StepRecord:
    """Return the step by which a stage begins."""
    give_up_at = now + stage.within if stage.within else None
    return StepRecord(name=stage.name, road=stage.road, started_at=now, give_up_at=give_up_at)


def final_ending(run: Run, ending: Ending, quarantine: Quarantine) -> Ending:
    """Return how a promotion ends after all: a build in quarantine is never made the known good."""
    why = quarantine.builds.get(run.promoted)
    if ending.status is not RunStatus.VERIFIED or why is None:
        return ending
    return _badly(run, f"build {run.promoted} is {why}")


def _badly(run: Run, note: str) -> Ending:
    return Ending(RunStatus.FAILED if run.has_acted else RunStatus.REFUSED, note)
