"""The read-back of a road as a check: for roads that nothing but their own control plane can show."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.errors import ControllerError
from shared.model.checkpoint import held_as
from shared.model.policy import Policy
from shared.model.policy_roads import DataSyncRoad, kind_of
from shared.model.policy_verify import HoldsCheck
from shared.ports import Aim, CheckResult, Expected, Routing, RowsBack


@dataclass(frozen=True, slots=True)
class HeldChecker:
    """Fulfils `ports.Checker[HoldsCheck]`."""

    routings: Mapping[str, Routing[Any]]
    rows: RowsBack | None = None

    def check(self, policy: Policy, check: HoldsCheck, expected: Expected) -> CheckResult:
        road = policy.all_roads[check.holds]
        if isinstance(road, DataSyncRoad):
            return self._rows(policy, road, expected)
        aim = Aim(rollback_id=expected.rollback_id, component=check.holds, known_good=expected.known_good)
        try:
            picture = self.routings[kind_of(road)].look(policy, road, aim)
        except ControllerError as error:
            return CheckResult(passed=False, note=f"{check.holds} cannot be read back: {error}", unanswered=True)
        # A state that holds where it would not help proves nothing.
        passed = picture.established and not picture.busy and picture.why_not is None
        says = "holds" if passed else picture.why_not or "does not hold yet"
        return CheckResult(passed=passed, note=f"{check.holds} {says}", evidence=picture.shown)

    def _rows(self, policy: Policy, road: DataSyncRoad, expected: Expected) -> CheckResult:
        """Rows are still proved: writers are kept out, and nothing was written since."""
        if self.rows is None:
            return CheckResult(passed=False, note=f"nobody looks at the rows of {road.data_sync}", unanswered=True)
        try:
            picture = self.rows.look(policy.databases[road.data_sync], held_as(expected.rollback_id, road.data_sync))
        except ControllerError as error:
            return CheckResult(passed=False, note=f"{road.data_sync} cannot be read back: {error}", unanswered=True)
        return CheckResult(passed=picture.proved, note=f"{road.data_sync}: {picture.says}", evidence=picture.shown)
