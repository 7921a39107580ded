"""What comes too late to tell of its own time: most likely the clock is wrong that says when it was.

A sender whose clock jumps back by an hour tells the present for the past. It lies among what was usual before a change,
and from then on what is bad looks usual: a judgement that learns from that time would call it healthy. So what is sent
is not taken for the past once later things were heard from, beyond what a queue brings out of order; what fills a
silence is. A source that is asked tells its past anew on purpose, beside the present; it is not taken where it has
nothing else to tell. In its place stands an error that says so: who hears no more than that is blind.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from shared.model.policy_signal_base import SignalBase
from shared.model.quantity import say_span
from shared.model.signal import Outcome, Sample, Series, failed

# A message that failed once is delivered again, and what came after it is there first.
_OUT_OF_ORDER = timedelta(minutes=5)


def in_time(
    signal: SignalBase, known: Series, fresh: Sequence[Sample], now: datetime, asked: timedelta | None
) -> Sequence[Sample]:
    """Return what may be taken of an answer, or of what was sent.

    Args:
        known: What is kept of the signal, in event-time order.
        asked: How late its source may be, where it is one that is asked.
    """
    newest = next((sample.at for sample in reversed(known) if sample.outcome is Outcome.MEASURED), None)
    if newest is None or signal.speaks_seldom:
        return fresh
    floor = min(newest, now) - max(signal.patience, _OUT_OF_ORDER)
    if asked is not None:
        floor -= asked + 2 * signal.every
    if all(sample.at >= floor for sample in fresh):
        return fresh
    taken = [sample for sample in fresh if sample.at >= floor or _says_nothing_new(sample, known)]
    if len(taken) == len(fresh) or (asked is not None and any(sample.at >= floor for sample in fresh)):
        return fresh
    late = min(sample.at for sample in fresh)
    why = f"a sample came {say_span(now - late)} after its own time, and newer ones before it: is a clock wrong?"
    return [*taken, failed(now, why)]


def _says_nothing_new(sample: Sample, known: Series) -> bool:
    return sample.outcome is not Outcome.MEASURED or sample in known
