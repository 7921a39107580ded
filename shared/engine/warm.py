"""Makes a road ready while the clock of a critical trigger still runs.

A rollback's first steps would otherwise pay for a cold start: a new instance, the management SDK (seconds without
compiled bytecode), the first token. The message goes the way that the rollback will go, so that it warms the very
instance.
"""

from collections.abc import Callable
from dataclasses import dataclass

from shared.model.policy import Policy
from shared.ports import SlotSite


@dataclass(frozen=True, slots=True)
class WarmUp:
    """Level 1: reads the site as the first step of a swap would."""

    slots: SlotSite
    policy_of: Callable[[str], Policy]

    def run(self, workload: str) -> str:
        """Read what a rollback would start from; changes nothing.

        Returns:
            One sentence.

        Raises:
            NotFound: no such workload.
            TransientError, PermanentError: the site cannot be read; a rollback would meet the same.
        """
        policy = self.policy_of(workload)
        picture = self.slots.look(policy.site)
        live, good = picture.production_build or "an unnamed build", picture.good_slot_build or "nothing known"
        return f"level 1 of {workload} is warm: production runs {live}, slot {policy.site.good_slot} holds {good}"
