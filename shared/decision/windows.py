"""Sustained conditions over event time.

A condition is sustained for as long as the newest unbroken stretch of violating marks reaches: from the event time of
its first mark to that of its last. Only samples up to the source's watermark count, because later ones may still be
revised. A sample that is not measured is silence, and so is a mark that says neither yes nor no; a silence longer than
`max_gap` breaks the stretch. Nothing here remembers anything: the same samples give the same answer in any order, after
any restart.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.decision.conditions.line import Mark
from shared.decision.hysteresis import Carried, begins, lingers
from shared.model.signal import Sample
from shared.model.trigger import NoData, RollbackTrigger, TriggerReading, TriggerState


@dataclass(frozen=True, slots=True)
class Stretch:
    """An unbroken violation.

    Attributes:
        since, until: When it began and ended.
        members: The marks that violate, in event-time order.
        heard_at: Event time of the newest mark in it; `until` lies behind that where the last word stands.
        lingers: The newest mark, where that one violates no more and has not cleared it yet.
    """

    since: datetime
    until: datetime
    members: Sequence[Mark]
    heard_at: datetime
    lingers: Mark | None = None

    @property
    def held(self) -> timedelta:
        return self.until - self.since

    @property
    def count(self) -> int:
        """Observations that it stands on: those of its own, and what its first mark was pooled with."""
        return self.members[0].before + sum(mark.count for mark in self.members)


def settled(series: Sequence[Sample], watermark: datetime, since: datetime | None = None) -> Sequence[Sample]:
    """Return the samples at or before the watermark, and later than `since`.

    Args:
        series: In event-time order, as `merge` leaves it.
    """
    first = 0 if since is None else bisect_right(series, since, key=_at)
    return series[first : bisect_right(series, watermark, key=_at)]


def _at(sample: Sample) -> datetime:
    return sample.at


def newest_stretch(
    line: Sequence[Mark], trigger: RollbackTrigger, watermark: datetime, before: TriggerReading | None = None
) -> Stretch | None:
    """Return the violation that the newest mark belongs to, or `None` when none is under way there.

    It reaches to the newest mark; with `no_data: hold`, whose last word stands, to the watermark.

    Args:
        line: Marks that say yes or no, in event-time order; at least one.
        before: What was said in the cycle before: a violation longer than samples are kept goes on from there.
    """
    run = line[_unbroken_from(line, trigger, violating=not lingers(trigger)) :]
    if not run:
        return None
    carried = _carried(run, line, before)
    first = begins(run, trigger, carried, watermark) if lingers(trigger) else 0
    if first is None:
        return None
    since = carried.since if carried and first == 0 else run[first].at
    members = [mark for mark in run[first:] if mark.violates] or run[first:]
    until = watermark if trigger.no_data is NoData.HOLD else run[-1].at
    return Stretch(since, until, members, heard_at=run[-1].at, lingers=None if run[-1].violates else run[-1])


def _unbroken_from(line: Sequence[Mark], trigger: RollbackTrigger, *, violating: bool) -> int:
    """Return from where on no silence is too long, and, if wanted, every mark violates."""
    first = len(line)
    while first and (line[first - 1].violates or not violating):
        if first < len(line) and line[first].at - line[first - 1].at > trigger.max_gap:
            break
        first -= 1
    return first


def _carried(run: Sequence[Mark], line: Sequence[Mark], before: TriggerReading | None) -> Carried | None:
    """Return the violation of the cycle before, when it began longer ago than samples are kept.

    Only where nothing that is kept lies before it: a break that is seen, also one that came late, stays one.
    """
    if before is None or before.since is None or run[0].at > line[0].at:
        return None
    goes_on = before.since < run[0].at <= before.since + before.held
    return Carried(before.since, before.state is TriggerState.FIRING) if goes_on else None
