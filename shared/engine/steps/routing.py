"""Roads whose desired state can be set again and again: weights, records, flags, hooks.

Setting it twice is as once, so a doubt (a lost reply, a killed worker) is ended by setting it again. What is never
repeated blindly is the slot swap, which has a step of its own.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from shared.engine.steps.step import Act, Done, Look, Stop, Wait
from shared.model.policy import Policy
from shared.model.policy_roads import RoadBase
from shared.model.run import Run, RunKind, StepPhase, StepRecord
from shared.ports import Aim, Fence, Routing

_POLL = timedelta(seconds=1)
# Reads of a control plane may be this old: what was accepted is not set again before.
_SHOWN_WITHIN = timedelta(seconds=12)
_MOST_ACTS = 5


@dataclass(frozen=True, slots=True)
class SetRouting:
    """Desired state: what the road of the policy says, or the share that a stage of a promotion gives."""

    routing: Routing[Any]

    def observe(self, policy: Policy, run: Run, record: StepRecord, now: datetime) -> Look:
        road, good = _wanted(policy, run, record)
        aim = Aim(rollback_id=run.id, component=record.component, known_good=good, road=record.road)
        picture = self.routing.look(policy, road, aim)
        if picture.why_not is not None:  # also of a state that holds: it would not help
            phase = StepPhase.FAILED if record.acts else StepPhase.REFUSED
            return Stop(phase=phase, note=picture.why_not, evidence=picture.shown)
        if picture.established and not picture.busy:
            return Done(note=f"{record.road} is as the policy wants it", evidence=picture.shown)
        if picture.busy:
            return Wait(until=now + _POLL, note="the platform is carrying it out", evidence=picture.shown)
        if record.phase is StepPhase.ACTED and record.acted_at is not None and now < record.acted_at + _SHOWN_WITHIN:
            return Wait(until=now + _POLL, note="accepted, and not shown yet", evidence=picture.shown)
        if record.accepted >= _MOST_ACTS:
            note = f"accepted {record.accepted} times, and not carried out, or somebody else sets it back"
            return Stop(phase=StepPhase.FAILED, note=note, evidence=picture.shown)
        note = f"{record.road} is not as the policy wants it"
        return Act(note=note, effect=partial(self._establish, policy, road, aim), before=picture.shown)

    def _establish(self, policy: Policy, road: RoadBase, aim: Aim, fence: Fence) -> None:
        self.routing.establish(policy, road, aim, fence)


def _wanted(policy: Policy, run: Run, record: StepRecord) -> tuple[RoadBase, str]:
    """Return the road, and the build that production must run for it to make sense."""
    road = policy.all_roads[record.road]
    if run.kind is not RunKind.PROMOTION:
        return road, run.known_good
    stage = run.stage(record)
    # A share goes out beside the build that is known to be good; what is left of it is taken back after the swap.
    good = run.known_good if stage.share else run.promoted
    return road.model_copy(update={"share": stage.share}), good
