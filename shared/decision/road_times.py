"""What a run that ended tells of the times of its roads.

The time that counts is people's: until the outside saw what a road promises. A record set that is written in a second
and believed for a minute is no fast road. What other components of the level took is not counted.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from shared.decision.roads import VERIFY
from shared.model.run import RoadTimes, Run, StepPhase, StepRecord

# Evidence of a verification: by road, the first of the good looks in a row at all its proofs (ISO 8601).
SEEN_SINCE = "seen_since"
_GIVEN_UP = (StepPhase.PARTIAL, StepPhase.FAILED, StepPhase.REFUSED)


def with_run(times: RoadTimes, run: Run) -> RoadTimes:
    """Return the times with those of a run that ended: of roads that acted, not of states that held before."""
    verifications = [step for step in run.steps if step.name.startswith(VERIFY)]
    for step in run.steps:
        took = _took(step, verifications, run) if step.road and step.acts > step.refused else None
        if took is not None:
            times = times.with_time(step.road, took)
    return times


def _took(step: StepRecord, verifications: Sequence[StepRecord], run: Run) -> timedelta | None:
    if step.started_at is None:
        return None
    if step.phase is StepPhase.DONE and step.ended_at is not None:
        later = [each for each in verifications if each.started_at and each.started_at >= step.ended_at]
        until_seen = next((span for each in later if (span := _until_seen(step.road, each)) is not None), None)
        if until_seen is not None:
            return step.ended_at - step.started_at + until_seen
        if not later:  # nobody looked
            return None
    # At least this long; that says something only when it is longer than was expected.
    end = step.ended_at if step.phase in _GIVEN_UP else run.ended_at
    at_least = end - step.started_at if end is not None else timedelta(0)
    return at_least if at_least > run.expected.get(step.road, timedelta.max) else None


def _until_seen(road: str, verification: StepRecord) -> timedelta | None:
    """How long a verification looked until it saw a road; what it began after does not count."""
    since = verification.evidence.get(SEEN_SINCE, {}).get(road)
    if since is None or verification.started_at is None:
        return None
    return datetime.fromisoformat(since) - verification.started_at
