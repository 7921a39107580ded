"""A value held against a fixed limit, each sample by itself or pooled over a trailing interval."""

from collections.abc import Mapping, Sequence

from shared.decision.conditions.decimals import Limit
from shared.decision.conditions.line import Mark, View
from shared.decision.conditions.pools import Pool, measured_of, pools
from shared.model.conditions.threshold import Threshold
from shared.model.quantity import say_apart
from shared.model.signal import Sample


def marks(condition: Threshold, inputs: Mapping[str, Sequence[Sample]], view: View) -> list[Mark]:
    """Return a mark for every measured sample.

    Alone, a value is compared as it is: 0.1 * 3 / 3 is not 0.1. Pooled, in exact numbers.
    """
    samples = inputs[condition.signal]
    if condition.over:
        limit = Limit.of(condition.threshold)
        found = pools(samples, condition.over, condition.dimension)
        wanted = found if view.since is None else [pool for pool in found if pool.at > view.since]
        return [_pooled(condition, limit, pool) for pool in wanted]
    holds, threshold = condition.comparator.test, condition.threshold
    return [Mark(s.at, holds(value, threshold), value, threshold, s.count) for s, value in measured_of(samples)]


def _pooled(condition: Threshold, limit: Limit, pool: Pool) -> Mark:
    enough = pool.volume >= condition.volume
    violates = condition.comparator.test(pool.against(limit), 0) if enough else None
    return Mark(pool.at, violates, pool.mean, condition.threshold, pool.count, pool.volume - pool.count)


def said(condition: Threshold, mark: Mark) -> str:
    """Say it: `error_rate 0.31 > 0.05`; with too little, of how many observations it would take how many are there."""
    if mark.violates is None:
        return f"{condition.signal} stands on {mark.count + mark.before:,} of {condition.volume:,} needed"
    comparator = condition.comparator if mark.violates else condition.comparator.opposite
    value, limit = say_apart(mark.value, mark.limit, condition.dimension)
    return f"{condition.signal} {value} {comparator} {limit}"
