"""What one trigger must say, worked out slowly from the definitions.

A stretch is tried from every sample on, and every claim about it is checked by looking at all samples again, in exact
fractions. Nothing is shared with the code under test but the values it takes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from shared.model.signal import Outcome, Sample
from shared.model.trigger import NoData, RollbackTrigger, TriggerReading, TriggerState, Verdict
from tests.unit.decision.build import threshold_of


@dataclass(frozen=True)
class Answer:
    """The parts of a reading that a decision stands on."""

    state: TriggerState
    verdict: Verdict | None
    since: datetime | None = None
    held: timedelta = timedelta(0)
    count: int = 0


def answer_of(reading: TriggerReading) -> Answer:
    return Answer(reading.state, reading.verdict, reading.since, reading.held, reading.count)


def expected(trigger: RollbackTrigger, samples: Sequence[Sample], now: datetime) -> Answer:
    """Return what the definitions say about the samples, of which no two have the same event time and id."""
    watermark = now - trigger.delay
    measured = [s for s in samples if s.outcome is Outcome.MEASURED and s.at <= watermark]
    heard = [s for s in measured if speaks(s, measured, trigger)]
    if not heard or watermark - max(s.at for s in heard) > trigger.stale_after:
        too_little = measured and watermark - max(s.at for s in measured) <= trigger.stale_after
        waits = trigger.no_data is NoData.HOLD and not too_little
        return Answer(TriggerState.INACTIVE, None if waits else Verdict.BLIND)
    stretches = [members for first in heard if _unbroken(members := _from(first, heard), measured, trigger)]
    if stretches:
        return _violated(max(stretches, key=len), measured, trigger, watermark)
    return _met(heard, measured, trigger)


def speaks(sample: Sample, measured: Sequence[Sample], trigger: RollbackTrigger) -> bool:
    """A pool that stands on too little says nothing; a sample by itself always does."""
    return not threshold_of(trigger).over or sum(s.count for s in _pool(sample, measured, trigger)) >= trigger.at_least


def violating_mean(trigger: RollbackTrigger, members: Sequence[Sample], heard: Sequence[Sample]) -> float:
    """Return the mean of the pooled values of a stretch, weighted by what each sample stands on itself."""
    return float(sum(_pooled(s, heard, trigger) * s.count for s in members) / sum(s.count for s in members))


def _place(sample: Sample) -> tuple[datetime, str]:
    return sample.at, sample.id


def _from(first: Sample, heard: Sequence[Sample]) -> list[Sample]:
    return [s for s in heard if _place(s) >= _place(first)]


def _unbroken(members: Sequence[Sample], heard: Sequence[Sample], trigger: RollbackTrigger) -> bool:
    all_violate = all(_violates(s, heard, trigger) for s in members)
    newest = max(members, key=_place)
    silences = [_next(s, members).at - s.at for s in members if s is not newest]
    return all_violate and all(silence <= trigger.max_gap for silence in silences)


def _next(sample: Sample, members: Sequence[Sample]) -> Sample:
    return min((s for s in members if _place(s) > _place(sample)), key=_place)


def _violates(sample: Sample, heard: Sequence[Sample], trigger: RollbackTrigger) -> bool:
    value, threshold = _pooled(sample, heard, trigger), Fraction(threshold_of(trigger).threshold)
    return {
        ">": value > threshold,
        ">=": value >= threshold,
        "<": value < threshold,
        "<=": value <= threshold,
    }[threshold_of(trigger).comparator.value]


def _pool(sample: Sample, heard: Sequence[Sample], trigger: RollbackTrigger) -> list[Sample]:
    over = threshold_of(trigger).over
    return [s for s in heard if sample.at - over < s.at <= sample.at] if over else [sample]


def _pooled(sample: Sample, heard: Sequence[Sample], trigger: RollbackTrigger) -> Fraction:
    pool = _pool(sample, heard, trigger)
    return sum((Fraction(s.value or 0) * s.count for s in pool), Fraction(0)) / sum(s.count for s in pool)


def _behind(members: Sequence[Sample], measured: Sequence[Sample], trigger: RollbackTrigger) -> int:
    """The observations of the pool of the oldest of some samples, and of all of them, each once."""
    oldest = _pool(min(members, key=_place), measured, trigger)
    return sum({_place(s): s.count for s in (*oldest, *members)}.values())


def _violated(
    members: Sequence[Sample], measured: Sequence[Sample], trigger: RollbackTrigger, watermark: datetime
) -> Answer:
    since, until = min(s.at for s in members), max(s.at for s in members)
    if trigger.no_data is NoData.HOLD:
        until = watermark  # the last word stands until now
    count = _behind(members, measured, trigger)
    if count < trigger.at_least:
        return Answer(TriggerState.PENDING, Verdict.BLIND, since, until - since, count)
    state = TriggerState.FIRING if until >= since + trigger.hold_for else TriggerState.PENDING
    return Answer(state, Verdict.UNHEALTHY, since, until - since, count)


def _met(heard: Sequence[Sample], measured: Sequence[Sample], trigger: RollbackTrigger) -> Answer:
    newest = max(s.at for s in heard)
    count = _behind([s for s in heard if newest - s.at <= trigger.hold_for], measured, trigger)
    verdict = Verdict.HEALTHY if count >= trigger.at_least else Verdict.BLIND
    return Answer(TriggerState.INACTIVE, verdict, count=count)
