"""A rollback as the watch would start it."""

from datetime import datetime

from shared.engine.start import new_rollback
from shared.model.policy import Policy
from shared.model.run import RoadTimes, Run
from tests.fakes.clock import NOON


def new_run(policy: Policy, now: datetime = NOON, *, level: int = 1, times: RoadTimes | None = None) -> Run:
    """Return a run to build b1 that has not begun."""
    return new_rollback(
        policy,
        level=level,
        known_good="b1",
        cause="errors",
        requested_by="watch",
        trigger="errors",
        times=times or RoadTimes(),
        now=now,
    )
