"""A threshold that is broken in so many of the last periods, as the alert rules of Azure Monitor count them.

https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-types (number of violations, evaluation periods)
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from shared.decision.conditions.decimals import Limit, amounts_of
from shared.decision.conditions.line import Mark, View
from shared.decision.conditions.pools import Pool, measured_of
from shared.model.conditions.periods import Periods
from shared.model.quantity import say_apart, say_duration, say_value
from shared.model.signal import Sample

_EPOCH = datetime.fromtimestamp(0, UTC)


def marks(condition: Periods, inputs: Mapping[str, Sequence[Sample]], view: View) -> list[Mark]:
    """Return a mark at the end of every period that is over and had a sample.

    A period without one is unknown: it is no violation, and no sign of health.
    """
    periods = _periods(condition, inputs[condition.signal], view.watermark)
    limit = Limit.of(condition.threshold)
    violating = {number: _violates(condition, limit, pool) for number, pool in periods.items()}
    since = view.since
    wanted = [number for number, pool in periods.items() if since is None or pool.at > since]
    return [_mark(condition, periods, violating, number) for number in wanted]


def _periods(condition: Periods, samples: Sequence[Sample], watermark: datetime) -> dict[int, Pool]:
    """Return the pool of each period by its number; a sample at the end of a period belongs to it."""
    heard = measured_of(samples)
    moments, counts = [sample.at for sample, _ in heard], [sample.count for sample, _ in heard]
    amounts = amounts_of([(value, sample.count) for sample, value in heard], condition.dimension)
    found: dict[int, Pool] = {}
    first = 0
    while first < len(moments):
        number = -((_EPOCH - moments[first]) // condition.each)
        end = _EPOCH + number * condition.each
        beyond = bisect_right(moments, end, first)
        total, volume = sum(amounts.numbers[first:beyond]), sum(counts[first:beyond])
        if end <= watermark:
            found[number] = Pool(end, total, amounts.parts, volume, volume)
        first = beyond
    return found


def _mark(condition: Periods, periods: Mapping[int, Pool], bad: Mapping[int, bool], number: int) -> Mark:
    newest = periods[number]
    known = [n for n in range(number - condition.most + 1, number + 1) if n in periods]
    violating = sum(bad[n] for n in known)
    unknown = condition.most - len(known)
    certain = violating >= condition.least or violating + unknown < condition.least
    return Mark(
        newest.at,
        violating >= condition.least if certain else None,
        float(violating),
        float(condition.least),
        newest.volume,
        before=sum(periods[n].volume for n in known) - newest.volume,
        note=_newest(condition, newest),
    )


def _violates(condition: Periods, limit: Limit, pool: Pool) -> bool:
    return condition.comparator.holds(pool.against(limit), 0)


def _newest(condition: Periods, pool: Pool) -> str:
    return say_apart(pool.mean, condition.threshold, condition.dimension)[0]


def said(condition: Periods, mark: Mark) -> str:
    """Say it: `confidence < 5 in 2 of 3 periods of 15m (min 2, newest 4.2)`."""
    limit = say_value(condition.threshold, condition.dimension)
    counted = f"{mark.value:.0f} of {condition.most} periods of {say_duration(condition.each)}"
    open_ = "others unknown, " if mark.violates is None else ""
    return (
        f"{condition.signal} {condition.comparator} {limit} in {counted} "
        f"(min {condition.least}, {open_}newest {mark.note})"
    )
