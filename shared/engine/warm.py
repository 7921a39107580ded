"""Makes a road ready while the clock of a critical trigger still runs.

A rollback's first steps would otherwise pay for a cold start: a new instance, the management SDK (seconds without
compiled bytecode), the first token. The message goes the way that the rollback will go, so that it warms the very
instance.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from shared.errors import ControllerError
from shared.model.policy import Policy
from shared.model.policy_roads import SlotSwapRoad, kind_of
from shared.ports import Aim, Routing, SlotSite


@dataclass(frozen=True, slots=True)
class WarmUp:
    """Reads what the roads of a level steer, as their first steps would."""

    slots: SlotSite
    routings: Mapping[str, Routing[Any]]
    policy_of: Callable[[str], Policy]

    def run(self, workload: str, level: int = 1) -> str:
        """Read what a rollback would start from; changes nothing.

        Returns:
            One sentence, with what a rollback would meet.

        Raises:
            NotFound: no such workload or level.
        """
        policy = self.policy_of(workload)
        said = [f"{name} {self._look(policy, name)}" for name in policy.level(level).all_roads]
        return f"level {level} of {workload} is warm: {'; '.join(said)}"

    def _look(self, policy: Policy, name: str) -> str:
        road = policy.all_roads[name]
        try:
            if isinstance(road, SlotSwapRoad):
                return self._look_at_slots(policy, road.slot_swap)
            aim = Aim(rollback_id="", component="", known_good="")
            picture = self.routings[kind_of(road)].look(policy, road, aim)
        except ControllerError as error:
            return f"cannot be read: {error}"
        return "is as the policy wants it" if picture.established else "would be set"

    def _look_at_slots(self, policy: Policy, slot: str) -> str:
        picture = self.slots.look(policy.site, slot)
        live, good = picture.production_build or "an unnamed build", picture.slot_build or "nothing known"
        return f"would put {good} of slot {slot} in place of {live}"
