"""A slot swap as a drill looks at it: what it would do now; or, where it has nothing to do, what it would go back to.

The slot is looked at with the eyes of readiness: the control plane, and a request from outside.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.decision.drill import SHOWS_NOTHING, idle_swap_findings
from shared.engine.records import Snapshot, load_run, snapshot
from shared.engine.steps.step import Done, Look, Step, Stop, Wait
from shared.model.policy import Policy
from shared.model.policy_roads import SlotSwapRoad
from shared.model.readiness_facts import SwapSeen
from shared.model.run import Run, StepPhase, StepRecord, workload_of
from shared.ports import Ledger

_ASK_AGAIN = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class RehearseSwap:
    """Desired state: the swap could be done, and would put a build into production that is known.

    Attributes:
        swap: The step of a real run.
        sees: Looks at all that a swap by this road would meet.
    """

    swap: Step
    sees: Callable[[Policy, SlotSwapRoad], SwapSeen]
    ledger: Ledger

    def observe(self, policy: Policy, run: Run, record: StepRecord, now: datetime) -> Look:
        look, road = self.swap.observe(policy, run, record, now), policy.all_roads.get(record.road)
        if not isinstance(look, Done) or not isinstance(road, SlotSwapRoad):
            return look
        seen = self.sees(policy, road)
        found = idle_swap_findings(policy, road, run.known_good, self._known(run), seen)
        said = "; ".join(finding.says for finding in found)
        if any(finding.ok is False for finding in found):
            note = f"nothing to take back: it has shown only that {look.note}; {said}"
            return Stop(phase=StepPhase.REFUSED, note=note, evidence={**look.evidence, SHOWS_NOTHING: True})
        if found:
            return Wait(until=now + _ASK_AGAIN, note=said, evidence=look.evidence)
        held = look.evidence["slot_build"]
        note = f"nothing to take back: {look.note}; a swap now would put {held} into production, which is ready"
        return Done(note=note, evidence=look.evidence)

    def _known(self, run: Run) -> set[str]:
        """The builds that a slot may hold: the known good, the one before it, and the next one; none that is bad."""
        found = snapshot(self.ledger, run.workload)
        builds = {run.known_good, self._before(run, found)}
        if found.change is not None and found.change.in_progress:
            builds.add(found.change.build)
        return builds - {"", *found.quarantine.builds}

    def _before(self, run: Run, found: Snapshot) -> str:
        """Return the build that was known to be good before a promotion brought the present one."""
        promotion = found.known_good.recorded_by if found.known_good else ""
        promoted = load_run(self.ledger, run.workload, promotion) if workload_of(promotion) == run.workload else None
        return promoted[0].known_good if promoted else ""
