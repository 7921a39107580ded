"""The table of steps: which step carries out which record of a run."""

from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Self

from shared.decision.roads import LOOK_BEFORE
from shared.engine.steps.held import HeldChecker
from shared.engine.steps.routing import SetRouting
from shared.engine.steps.step import Step
from shared.engine.steps.traffic import SwapSlots
from shared.engine.steps.verify import Checks, LookBefore, VerifyOutside
from shared.errors import PermanentError
from shared.model.policy import SLOT_SWAP, Policy
from shared.model.policy_roads import kind_of
from shared.model.policy_verify import CheckBase, HoldsCheck
from shared.model.rollback import StepRecord
from shared.ports import Checker, Routing, SlotSite


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps of all levels."""

    look_before: Step
    verify: Step
    roads: Mapping[str, Step]

    @classmethod
    def of_level(
        cls,
        slots: SlotSite,
        routings: Mapping[str, Routing[Any]],
        checkers: Mapping[type[CheckBase], Checker[Any]],
        pool: Executor,
    ) -> Self:
        """Put the steps together.

        Args:
            slots: Carries out the one road that is no state, the slot swap.
            routings: The other roads by their kind.
            checkers: What verifies, by the kind of check.
            pool: Runs the checks of one look at once; nothing that runs in it may wait for it.
        """
        checks = Checks({**checkers, HoldsCheck: HeldChecker(routings)}, pool)
        roads: dict[str, Step] = {kind: SetRouting(routing) for kind, routing in routings.items()}
        return cls(LookBefore(checks), VerifyOutside(checks), roads | {SLOT_SWAP: SwapSlots(slots)})

    def step_of(self, policy: Policy, record: StepRecord) -> Step:
        """Return the step that carries out a record.

        Raises:
            PermanentError: its road is not in the policy any more, or no adapter is there for its kind.
        """
        if not record.road:
            return self.look_before if record.name == LOOK_BEFORE else self.verify
        road = policy.all_roads.get(record.road)
        step = self.roads.get(kind_of(road)) if road else None
        if step is None:
            raise PermanentError(f"the policy has no road {record.road!r} any more")
        return step
