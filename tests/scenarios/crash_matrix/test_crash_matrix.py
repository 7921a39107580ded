"""Wherever a worker is killed, the run ends as it would have without that (the laws: `matrix.py`)."""

import pytest

from tests.scenarios.crash_matrix.matrix import PLAYS, Plan, play
from tests.scenarios.crash_matrix.points import Point
from tests.scenarios.crash_matrix.table import wrong_lines

# What must be among the points whatever a road is made of; a recording that misses one would prove nothing.
_UP_TO_THE_EFFECT = {
    *((step, f"{side} it is done") for step in ("start", "look_before") for side in ("before", "after")),
    *(("take", where) for where in ("before the intent", "after the intent", "before the effect")),
}
_ALL = _UP_TO_THE_EFFECT | {
    *(("take", where) for where in ("before the fence", "after the effect", "before the outcome", "after the outcome")),
    *((step, f"{side} it is done") for step in ("take", "end") for side in ("before", "after")),
    *(("verify", f"{side} a wait") for side in ("before", "after")),
}
# A promotion has other names for what it does.
_STAGES = {"warm": "look_before", "share": "take", "swap": "take"}
_AT_LEAST = {plan: _ALL if plan is Plan.ONCE else _UP_TO_THE_EFFECT for plan in Plan}


@pytest.mark.timeout(900)  # some twenty runs in real processes, on a machine that may be busy
@pytest.mark.storage
# The longest stand last among the plays: they begin first, so that nobody waits for one of them in the end.
@pytest.mark.parametrize(("road", "plan"), PLAYS[::-1], ids=lambda given: str(given).replace(" ", "_"))
def test_a_killed_worker_changes_nothing_about_the_end(road: str, plan: Plan, storage: str) -> None:
    cells = list(play(road, plan, storage))
    assert {_kind(cell.point) for cell in cells} >= _AT_LEAST[plan]
    assert wrong_lines(cells) == []


def _kind(point: Point) -> tuple[str, str]:
    name = point.step.partition(":")[0]
    return _STAGES.get(name, name), point.where
