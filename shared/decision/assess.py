"""What one trigger says about the samples of its signals: healthy, unhealthy or blind, and since when.

Silence, stale data and too few observations are blind (law 6): they never count as healthy and never fire.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from shared.decision.conditions import kind_of
from shared.decision.conditions.line import Mark, View
from shared.decision.hysteresis import settles
from shared.decision.windows import Stretch, newest_stretch, settled
from shared.model.quantity import Dimension, say_span
from shared.model.signal import Outcome, Sample
from shared.model.trigger import NoData, RollbackTrigger, TriggerReading, TriggerState, Verdict

Inputs = Mapping[str, Sequence[Sample]]
_NEVER = datetime.min.replace(tzinfo=UTC)
_WIDER = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a cycle sees besides the samples.

    Attributes:
        now: The moment of the cycle; the watermark of a trigger lies its `delay` before it.
        change_started: Of the change in progress, if there is one.
        watched_since: Since when the watch has been running without a break; `None` when that is not known.
    """

    now: datetime
    change_started: datetime | None = None
    watched_since: datetime | None = None

    def view(self, trigger: RollbackTrigger) -> View:
        """Return what a trigger's condition may look at."""
        watermark = self.now - trigger.delay
        return View(watermark=watermark, change_started=self.change_started, watched_since=self.watched_since)


def assess(
    trigger: RollbackTrigger, series: Inputs, seen: Seen, before: TriggerReading | None = None
) -> TriggerReading:
    """Read one trigger.

    Args:
        trigger: The condition and its bounds.
        series: All that is kept of each signal, in event-time order, as `merge` leaves it.
        seen: The moment of the cycle, and what it knows of the watch and the change.
        before: What it said in the cycle before; a violation longer than samples are kept goes on from there.
    """
    view = seen.view(trigger)
    inputs = {name: settled(series.get(name, ()), view.watermark) for name in trigger.condition.inputs}
    return reading_of(trigger, _judged(trigger, inputs, view, before), inputs, view, before)


def _judged(trigger: RollbackTrigger, inputs: Inputs, view: View, before: TriggerReading | None) -> Sequence[Mark]:
    """Judge as much of the newest part of the line as its newest violation needs: back to a mark that ends any.

    A mark needs nothing older than its condition says, so the newest part reads the same as in the whole line.
    """
    condition, marks_of = trigger.condition, kind_of(trigger.condition).marks
    oldest = min((samples[0].at for samples in inputs.values() if samples), default=view.watermark)
    span = trigger.hold_for + trigger.stale_after + trigger.max_gap + trigger.clears_after
    sure = sure_since(trigger, [samples[0].at for samples in inputs.values() if samples], view, before)
    while trigger.no_data is not NoData.HOLD and max(oldest, sure or oldest) <= (since := view.watermark - span):
        needed = since - condition.looks_back
        young = {name: settled(samples, view.watermark, needed) for name, samples in inputs.items()}
        marks = [mark for mark in marks_of(condition, young, replace(view, since=since)) if mark.at > since]
        if settles(marks, trigger):
            return marks
        span *= _WIDER
    if sure is None:
        return marks_of(condition, inputs, view)
    return [mark for mark in marks_of(condition, inputs, replace(view, since=sure)) if mark.at > sure]


def sure_since(
    trigger: RollbackTrigger, oldest: Sequence[datetime], view: View, before: TriggerReading | None
) -> datetime | None:
    """Return the moment before which marks stand on less than they look back on, if they are better left out.

    They are where a violation is under way: what was said in the cycle before knows better how it began than marks that
    change as samples are dropped, and enough is known without them.

    Args:
        oldest: The oldest sample that is kept of each signal.
    """
    back, known = trigger.condition.looks_back, trigger.hold_for + trigger.stale_after + trigger.max_gap
    if not back or before is None or before.since is None or trigger.no_data is NoData.HOLD:
        return None
    sure = max(oldest, default=view.watermark) + back
    return sure if sure <= view.watermark - known - trigger.clears_after else None


def reading_of(
    trigger: RollbackTrigger, marks: Sequence[Mark], inputs: Inputs, view: View, before: TriggerReading | None = None
) -> TriggerReading:
    """Read one trigger whose line is judged already.

    Args:
        marks: The line up to the watermark; at least as much of it as its newest violation, and `hold_for` before it.
        inputs: Its settled samples: they say why it is silent.
    """
    line = [mark for mark in marks if mark.violates is not None]
    doubted = kind_of(trigger.condition).doubts and marks[-1:] != line[-1:]
    if not line or doubted or view.watermark - line[-1].at > trigger.stale_after:
        return _silent(trigger, marks, inputs, view)
    stretch = newest_stretch(line, trigger, view.watermark, before)
    return _violating(trigger, stretch) if stretch else _quiet(trigger, line)


def _silent(trigger: RollbackTrigger, marks: Sequence[Mark], inputs: Inputs, view: View) -> TriggerReading:
    """Nothing was said: who speaks seldom may be waited for, but what was heard and is too little is blind."""
    too_little = bool(marks) and view.watermark - marks[-1].at <= trigger.stale_after
    return TriggerReading(
        name=trigger.name,
        tier=trigger.tier,
        state=TriggerState.INACTIVE,
        verdict=None if trigger.no_data is NoData.HOLD and not too_little else Verdict.BLIND,
        sentence=kind_of(trigger.condition).said(trigger.condition, marks[-1])
        if too_little
        else _unmeasured(trigger, inputs, view),
    )


def _unmeasured(trigger: RollbackTrigger, inputs: Inputs, view: View) -> str:
    """Say which signal has been silent for longest, and why."""
    heard = {name: _heard_at(samples) for name, samples in inputs.items()}
    name = min(heard, key=lambda name: heard[name] or _NEVER)
    at, newest = heard[name], inputs[name][-1] if inputs[name] else None
    why = newest.note if newest is not None and newest.outcome is not Outcome.MEASURED else ""
    sentence = f"{name} has no measured sample " + ("yet" if at is None else _for_so_long(at, trigger, view))
    return f"{sentence}: {why}" if why else sentence


def _for_so_long(at: datetime, trigger: RollbackTrigger, view: View) -> str:
    return f"for {say_span(view.watermark - at)} (max {say_span(trigger.stale_after)})"


def _heard_at(samples: Sequence[Sample]) -> datetime | None:
    return next((s.at for s in reversed(samples) if s.outcome is Outcome.MEASURED), None)


def _violating(trigger: RollbackTrigger, stretch: Stretch) -> TriggerReading:
    spoken, count = kind_of(trigger.condition).speaks(stretch.members), stretch.count
    enough = stretch.lingers is not None or count >= trigger.at_least
    firing = enough and stretch.held >= trigger.hold_for
    return TriggerReading(
        name=trigger.name,
        tier=trigger.tier,
        state=TriggerState.FIRING if firing else TriggerState.PENDING,
        verdict=Verdict.UNHEALTHY if enough else Verdict.BLIND,
        sentence=_sentence(trigger, stretch, spoken, firing=firing),
        since=stretch.since,
        heard_at=stretch.heard_at,
        held=stretch.held,
        hold_for=trigger.hold_for,
        value=spoken.value,
        limit=spoken.limit,
        count=count,
    )


def _sentence(trigger: RollbackTrigger, stretch: Stretch, spoken: Mark, *, firing: bool) -> str:
    said, wanted = kind_of(trigger.condition).said, say_span(trigger.hold_for)
    bound = f"min {wanted}" if firing else f"of {wanted}"
    sentence = f"{said(trigger.condition, spoken)} for {say_span(stretch.held)} "
    sentence += f"({bound}, {_counted(trigger, stretch.count)})"
    if stretch.lingers is None:
        return sentence
    return f"{sentence}; not clear yet: {said(trigger.condition, stretch.lingers)}"


def _quiet(trigger: RollbackTrigger, line: Sequence[Mark]) -> TriggerReading:
    newest = line[-1]
    window = [mark for mark in line if mark.at >= newest.at - trigger.hold_for]
    count = window[0].before + sum(mark.count for mark in window)
    return TriggerReading(
        name=trigger.name,
        tier=trigger.tier,
        state=TriggerState.INACTIVE,
        verdict=Verdict.HEALTHY if count >= trigger.at_least else Verdict.BLIND,
        sentence=f"{kind_of(trigger.condition).said(trigger.condition, newest)} ({_counted(trigger, count)})",
        value=newest.value,
        limit=newest.limit,
        count=count,
    )


def _counted(trigger: RollbackTrigger, count: int) -> str:
    noun = "sample" if trigger.dimension is Dimension.NUMBER else "request"
    counted = f"{count:,} {noun}" + ("" if count == 1 else "s")
    return counted if count >= trigger.at_least else f"{counted} of {trigger.at_least:,} needed"
