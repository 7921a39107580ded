"""The table of steps: which step carries out which record of a run."""

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any, Self

from shared.decision.roads import LOOK_BEFORE
from shared.engine.steps.data import SyncRows
from shared.engine.steps.held import HeldChecker
from shared.engine.steps.promote import FORWARD, Bake, GiveShare, OnceRowsAreSafe, SmokeTest, VerifyPromoted, WarmSlot
from shared.engine.steps.rehearse import RehearseSwap
from shared.engine.steps.rehearse_rows import RehearseRows
from shared.engine.steps.routing import SetRouting
from shared.engine.steps.step import Step
from shared.engine.steps.traffic import SwapSlots
from shared.engine.steps.verify import Checks, LookBefore, VerifyOutside
from shared.errors import PermanentError
from shared.model.policy import Policy
from shared.model.policy_levels import SLOT_SWAP
from shared.model.policy_roads import DATA_SYNC, SlotSwapRoad, kind_of
from shared.model.policy_verify import CheckBase, HoldsCheck
from shared.model.readiness_facts import SwapSeen
from shared.model.run import Run, RunKind, StepRecord
from shared.model.stage import Stage, StageOf
from shared.ports import Checker, Checkpointing, Ledger, Routing, SlotSite


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps of all levels, the stages of promotions, and the roads as drills look at them."""

    look_before: Step
    verify: Step
    roads: Mapping[str, Step]
    stages: Mapping[Stage, Step] = field(default_factory=dict)
    drilled: Mapping[str, Step] = field(default_factory=dict)
    slots: SlotSite | None = None
    ledger: Ledger | None = None

    @classmethod
    def of_level(
        cls,
        slots: SlotSite,
        routings: Mapping[str, Routing[Any]],
        checkers: Mapping[type[CheckBase], Checker[Any]],
        pool: Executor,
        ledger: Ledger | None = None,
        sees: Callable[[Policy, SlotSwapRoad], SwapSeen] | None = None,
        data: SyncRows | None = None,
        checkpointing: Checkpointing | None = None,
    ) -> Self:
        """Put the steps together.

        Args:
            slots: Carries out the one road that is no state, the slot swap.
            routings: The other roads by their kind.
            checkers: What verifies, by the kind of check.
            pool: Runs the checks of one look at once; nothing that runs in it may wait for it.
            ledger: Where the watch leaves its word; a promotion bakes by it.
            sees: Looks at all that a swap would meet, for drills.
            data: Takes rows back.
            checkpointing: Tells whether rows could be taken back, for drills.
        """
        checks = Checks({**checkers, HoldsCheck: HeldChecker(routings, data.rows if data else None)}, pool)
        roads: dict[str, Step] = {kind: SetRouting(routing) for kind, routing in routings.items()}
        roads |= {DATA_SYNC: data} if data else {}
        swap, verify = SwapSlots(slots), VerifyOutside(checks)
        stages: dict[Stage, Step] = {
            Stage.WARM: WarmSlot(checks),
            Stage.SMOKE: SmokeTest(checks),
            Stage.SWAP: swap,
        }
        if ledger is not None:
            looking = VerifyPromoted(verify, ledger, slots)
            stages |= {Stage.VERIFY: looking, Stage.BAKE: Bake(ledger, slots), Stage.CONFIRM: looking}
        drilled = roads | (
            {SLOT_SWAP: RehearseSwap(swap, sees, ledger)} if sees is not None and ledger is not None else {}
        )
        if data is not None and checkpointing is not None:
            drilled |= {DATA_SYNC: RehearseRows(data, checkpointing, data.ledger)}
        return cls(LookBefore(checks), verify, roads | {SLOT_SWAP: swap}, stages, drilled, slots, ledger)

    def step_of(self, policy: Policy, run: Run, record: StepRecord) -> Step:
        """Return the step that carries out a record of a run.

        Raises:
            PermanentError: its road is not in the policy any more, or no adapter is there for its kind.
        """
        if run.kind is RunKind.PROMOTION:
            return self._stage_of(policy, run.stage(record))
        if not record.road:
            return self.look_before if record.name == LOOK_BEFORE else self.verify
        return self._road(policy, record.road, self.drilled if run.kind is RunKind.DRILL else self.roads)

    def _stage_of(self, policy: Policy, stage: StageOf) -> Step:
        step = self._bare_stage(policy, stage)
        return OnceRowsAreSafe(step, self.ledger) if self.ledger and stage.kind in FORWARD else step

    def _bare_stage(self, policy: Policy, stage: StageOf) -> Step:
        if stage.kind not in (Stage.SHARE, Stage.UNSHARE):
            return self.stages[stage.kind]
        road = self._road(policy, stage.road, self.roads)
        return GiveShare(self.slots, road) if self.slots and stage.kind is Stage.SHARE else road

    def _road(self, policy: Policy, name: str, steps: Mapping[str, Step]) -> Step:
        road = policy.all_roads.get(name)
        step = steps.get(kind_of(road)) if road else None
        if step is None:
            raise PermanentError(f"the policy has no road {name!r} any more")
        return step
