"""The planner of a drill: everything that a level would do, up to its last step that changes nothing.

Every road of the level is looked at as it would be right before it is taken, also those that would come second, and the
emergency's. Then the policy's own checks are asked of the site as it is. What would be changed is said, and stays.

On most days production runs the known good and a swap has nothing to do. Then it counts only if what it would go back
to was looked at: the slot must be fit for a swap and hold a build that is known. Else the drill has shown nothing.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from shared.decision.readiness_swaps import is_filled_by_promotion, slot_findings
from shared.decision.roads import LOOK_BEFORE, VERIFY, Ending, Plan
from shared.errors import ControllerError
from shared.model.policy import Policy
from shared.model.policy_levels import EMERGENCY, Level
from shared.model.policy_roads import SlotSwapRoad
from shared.model.quantity import say_span
from shared.model.readiness import Finding
from shared.model.readiness_facts import SwapSeen
from shared.model.run import Run, RunStatus, StepPhase, StepRecord

# Evidence of a swap that had nothing to do, and nothing that it could go back to.
SHOWS_NOTHING = "shows_nothing"
_LOOKED_AT_WITHIN = timedelta(minutes=1)


def plan_drill(policy: Policy, run: Run, now: datetime) -> Plan:
    """Say what a drill does now."""
    level = policy.level(run.level)
    live = tuple(step.name for step in run.steps if not step.phase.over)
    if live:
        return Plan(live=live)
    done = {step.name for step in run.steps}
    ahead = [step for step in _steps(level, now) if step.name not in done]
    if not ahead:
        return Plan(ending=_ending(policy, level, run))
    return Plan(opened=(ahead[0],), live=(ahead[0].name,))


def _steps(level: Level, now: datetime) -> list[StepRecord]:
    components = level.steered | ({EMERGENCY: level.emergency} if level.emergency else {})
    until = now + _LOOKED_AT_WITHIN
    roads = [
        StepRecord(name=f"take:{name}:{road}", component=name, road=road, started_at=now, give_up_at=until)
        for name, roads in components.items()
        for road in roads
    ]
    asked = level.verify.give_up_after
    checks = [StepRecord(name=f"{VERIFY}:1", started_at=now, give_up_at=now + asked)] if level.verify.checks else []
    return [StepRecord(name=LOOK_BEFORE, started_at=now), *roads, *checks]


def _ending(policy: Policy, level: Level, run: Run) -> Ending:
    usable = {step.road for step in run.steps if step.road and step.phase is StepPhase.DONE}
    hollow = {step.road: step.note for step in run.steps if step.evidence.get(SHOWS_NOTHING)}
    lost = [name for name, roads in level.steered.items() if not (usable | hollow.keys()) & set(roads)]
    bad = [step for step in run.steps if step.phase.over and step.phase is not StepPhase.DONE]
    trouble = [f"{step.name}: {step.note}" for step in bad]
    checked = all(step.phase is StepPhase.DONE for step in run.steps if step.name.startswith(VERIFY))
    said = [f"{step.road}: {step.note}" for step in run.steps if step.road in usable]
    if lost or not checked:
        why = f"{', '.join(lost)} could not be taken back" if lost else "the checks of the level do not pass"
        return Ending(RunStatus.FAILED, "; ".join([why, *trouble]))
    if hollow:  # another road being there says nothing of what people would get by this one
        return Ending(RunStatus.REFUSED, "; ".join([*hollow.values(), *said]))
    return Ending(RunStatus.VERIFIED, "; ".join([*said, *trouble, _against_budget(policy, level, run, usable)]))


def _against_budget(policy: Policy, level: Level, run: Run, usable: set[str]) -> str:
    """Say how long the level is expected to take by the fastest road of each component that can be taken."""
    takes = [
        min(run.expected.get(road) or policy.all_roads[road].takes for road in roads if road in usable)
        for roads in level.steered.values()
    ]
    longest = max(takes, default=timedelta(0))
    against = "within" if longest <= level.budget else "over"
    return f"expected to take {say_span(longest)}, {against} its budget of {say_span(level.budget)}"


def target_limitation(own: Policy, level: int, target: Policy) -> str | None:
    """Return why a level of one workload must not be rehearsed on another, or `None`: there it is really taken back."""
    if target.drill_target:
        return None
    named = f"{own.workload} names {target.workload} in levels.{level}.drill.on, which does not agree to it"
    return f"{named}; expected `drill_target: true` in the policy of {target.workload}"


def idle_swap_findings(
    policy: Policy, road: SlotSwapRoad, good: str, known: Collection[str], seen: SwapSeen
) -> list[Finding]:
    """Return what is not well, or not known, of a slot with which production need not be swapped now.

    Where promotions fill the slot it holds the build before or the next one; else it holds the known good.

    Args:
        good: The known good, which production runs.
        known: The builds that a swap may put into production, the known good among them.
    """
    slot, wanted = road.slot_swap, good
    found: list[Finding] = []
    if not isinstance(seen.site, ControllerError) and is_filled_by_promotion(policy, slot, good, seen):
        wanted = seen.site.slot_build or ""
        if wanted not in known and seen.site.slot_build is not None:
            held = wanted or "a build without a name"
            says = f"slot {slot} holds {held}, which must not go to people; expected {' or '.join(sorted(known))}"
            found.append(Finding(name="slot", ok=False, says=says))
    found += slot_findings(policy, slot, wanted, seen, None)
    return [finding for finding in found if finding.ok is not True]
