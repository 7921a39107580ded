"""What one trigger says about the samples of its signal: healthy, unhealthy or blind, and since when.

Silence, stale data and too few observations are blind (law 6): they never count as healthy and never fire.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from shared.decision.windows import Point, Stretch, newest_stretch, points, settled
from shared.model.quantity import Dimension, say_apart, say_span
from shared.model.signal import Outcome, Sample
from shared.model.trigger import NoData, RollbackTrigger, TriggerReading, TriggerState, Verdict


def assess(
    trigger: RollbackTrigger, samples: Sequence[Sample], now: datetime, before: TriggerReading | None = None
) -> TriggerReading:
    """Read one trigger.

    Args:
        trigger: The condition and its bounds.
        samples: All that is kept of its signal, in any order.
        now: The moment of the cycle; the watermark lies `trigger.delay` before it.
        before: What it said in the cycle before; a violation longer than samples are kept goes on from there.
    """
    watermark = now - trigger.delay
    known = settled(samples, watermark)
    line = points(known, trigger.over)
    if not line or watermark - line[-1].at > trigger.stale_after:
        return _silent(trigger, known, line, watermark)
    stretch = newest_stretch(line, trigger, watermark)
    if stretch is not None:
        return _violating(trigger, _going_on(stretch, line, before))
    return _quiet(trigger, line)


def _going_on(stretch: Stretch, line: Sequence[Point], before: TriggerReading | None) -> Stretch:
    """Return the stretch from where it really began, when that is longer ago than samples are kept.

    Only where nothing that is kept lies before it: a break that is seen, also one that came late, stays one.
    """
    if before is None or before.since is None or stretch.since > line[0].at:
        return stretch
    goes_on = before.since < stretch.since <= before.since + before.held
    return replace(stretch, since=before.since) if goes_on else stretch


def _silent(
    trigger: RollbackTrigger, known: Sequence[Sample], line: Sequence[Point], watermark: datetime
) -> TriggerReading:
    why = known[-1].note if known and known[-1].outcome is not Outcome.MEASURED else ""
    if line:
        silence = say_span(watermark - line[-1].at)
        sentence = f"{trigger.signal} has no measured sample for {silence} (max {say_span(trigger.stale_after)})"
    else:
        sentence = f"{trigger.signal} has no measured sample yet"
    verdict = None if trigger.no_data is NoData.HOLD else Verdict.BLIND
    return TriggerReading(
        name=trigger.name,
        tier=trigger.tier,
        state=TriggerState.INACTIVE,
        verdict=verdict,
        sentence=f"{sentence}: {why}" if why else sentence,
    )


def _violating(trigger: RollbackTrigger, stretch: Stretch) -> TriggerReading:
    enough = stretch.count >= trigger.at_least
    firing = enough and stretch.held >= trigger.hold_for
    held, wanted = say_span(stretch.held), say_span(trigger.hold_for)
    bound = f"min {wanted}" if firing else f"of {wanted}"
    counted = _counted(trigger, stretch.count)
    return TriggerReading(
        name=trigger.name,
        tier=trigger.tier,
        state=TriggerState.FIRING if firing else TriggerState.PENDING,
        verdict=Verdict.UNHEALTHY if enough else Verdict.BLIND,
        sentence=f"{_compared(trigger, stretch.value, violating=True)} for {held} ({bound}, {counted})",
        since=stretch.since,
        heard_at=stretch.heard_at,
        held=stretch.held,
        hold_for=trigger.hold_for,
        value=stretch.value,
        count=stretch.count,
    )


def _quiet(trigger: RollbackTrigger, line: Sequence[Point]) -> TriggerReading:
    newest = line[-1]
    window = max(trigger.hold_for, trigger.over)
    count = sum(point.count for point in line if point.at >= newest.at - window)
    enough = count >= trigger.at_least
    counted = _counted(trigger, count)
    return TriggerReading(
        name=trigger.name,
        tier=trigger.tier,
        state=TriggerState.INACTIVE,
        verdict=Verdict.HEALTHY if enough else Verdict.BLIND,
        sentence=f"{_compared(trigger, newest.value, violating=False)} ({counted})",
        value=newest.value,
        count=count,
    )


def _compared(trigger: RollbackTrigger, value: float, *, violating: bool) -> str:
    comparator = trigger.comparator if violating else trigger.comparator.opposite
    said, limit = say_apart(value, trigger.threshold, trigger.dimension)
    return f"{trigger.signal} {said} {comparator} {limit}"


def _counted(trigger: RollbackTrigger, count: int) -> str:
    noun = "sample" if trigger.dimension is Dimension.NUMBER else "request"
    counted = f"{count:,} {noun}" + ("" if count == 1 else "s")
    return counted if count >= trigger.at_least else f"{counted} of {trigger.at_least:,} needed"
