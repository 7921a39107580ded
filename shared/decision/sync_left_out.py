"""Tables that were taken at a checkpoint, and that a plan of now does not take: what was written in them stays behind.

They were dropped, renamed or moved since, or the policy names fewer. Without this, a way back would prove the rest, and
say nothing of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.model.sync import Severity, SyncPlan
from shared.model.tables import Table, TableName


@dataclass(frozen=True, slots=True)
class LeftOut:
    """One of them.

    Attributes:
        name: What it was called at the checkpoint.
        oid: Its number on the target.
        now: What it is called there now; `None` if it is not there any more.
    """

    name: str
    oid: int
    now: TableName | None

    @property
    def what(self) -> str:
        """Say what has become of it, and of what was written into it."""
        if self.now is None:
            return "it was dropped on the target since the checkpoint: what was written into it cannot go back"
        why = "is not taken any more" if str(self.now) == self.name else f"is {self.now} now, which is not taken"
        return f"it was taken at the checkpoint, and {why}: what was written into it stays behind"


def left_out_since(
    then: Mapping[str, Mapping[str, Any]], plan: SyncPlan, there: Mapping[TableName, Table]
) -> tuple[LeftOut, ...]:
    """Return them, but for those of which the plan itself says that nothing can go back.

    Args:
        then: The target's tables, as the checkpoint's content has them by name.
        there: Those of the target now.
    """
    taken = {of.oid: str(of.name) for of in plan.tables}
    said = {one.about for one in plan.findings if one.severity is Severity.LOSES}
    by_oid = {of.oid: of.name for of in there.values()}
    found = (LeftOut(name, one["oid"], by_oid.get(one["oid"])) for name, one in then.items())
    return tuple(
        one
        for one in found
        if one.oid not in taken
        # One that was made anew under its name is taken as it is now, and compared row by row.
        and (one.now is not None or one.name not in taken.values())
        and str(one.now) not in said
    )
