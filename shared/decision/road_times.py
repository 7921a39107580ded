"""What a run that ended tells of the times of its roads.

The time that counts is people's: until the outside saw what a road promises. A record set that is written in a second
and believed for a minute is no fast road.
"""

from datetime import datetime, timedelta

from shared.decision.roads import COMPONENTS, VERIFY
from shared.model.rollback import RoadTimes, Rollback, StepPhase, StepRecord

# Evidence of a verification: when the first of its good looks in a row was taken (ISO 8601), `None` after a bad one.
GOOD_SINCE = "good_since"
_GIVEN_UP = (StepPhase.PARTIAL, StepPhase.FAILED, StepPhase.REFUSED)


def with_run(times: RoadTimes, run: Rollback) -> RoadTimes:
    """Return the times with those of a run that ended: of roads that acted, not of states that held before."""
    verifications = [step for step in run.steps if step.name.startswith(VERIFY)]
    for step in run.steps:
        took = _took(step, verifications, run) if step.road and step.acts else None
        if took is not None:
            times = times.with_time(step.road, took)
    return times


def _took(step: StepRecord, verifications: list[StepRecord], run: Rollback) -> timedelta | None:
    if step.started_at is None:
        return None
    seen = _seen_at(step, verifications)
    if seen is not None:
        return seen - step.started_at
    # At least this long; that says something only when it is longer than was expected.
    end = step.ended_at if step.phase in _GIVEN_UP else run.ended_at
    unseen = step.phase is not StepPhase.DONE or _is_wanting(step.component, verifications)
    at_least = end - step.started_at if end is not None and unseen else timedelta(0)
    return at_least if at_least > run.expected.get(step.road, timedelta.max) else None


def _seen_at(step: StepRecord, verifications: list[StepRecord]) -> datetime | None:
    """When a road that is established was seen from outside, not before it was established."""
    if step.phase is not StepPhase.DONE or step.ended_at is None:
        return None
    good = [since for each in verifications if (since := _good_since(each)) is not None and since >= step.ended_at]
    return min(good, default=None)


def _good_since(verification: StepRecord) -> datetime | None:
    since = verification.evidence.get(GOOD_SINCE)
    return datetime.fromisoformat(since) if since else None


def _is_wanting(component: str, verifications: list[StepRecord]) -> bool:
    named = verifications[-1].evidence.get(COMPONENTS) if verifications else None
    return not named or component in named
