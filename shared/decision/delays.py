"""How late a source really is, learned from what arrives: half of the data must neither fire nor count as health.

A sample that was not there when its source was asked, at a moment after the sample's own time, came at least so much
late; the time until the next question is no delay of the source. Where what was known already changes, because a value
becomes another one or a sample comes in between, the whole time counts until it was seen, and until the next question:
so long nobody could know. Of the last 40 answers with something new the 95th percentile counts, and never the worst of
few: one late answer is no habit.

Where a source is later than its policy says, a trigger is read behind the learned watermark. What is silent is still
told by the declared one, and a trigger that is blind behind that stays so: learning makes nobody see. What comes later
than anyone has patience for is blind.
"""

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from shared.decision.assess import Seen, assess
from shared.model.policy_signal_base import SignalBase
from shared.model.quantity import say_span
from shared.model.signal import Outcome, Sample, Series
from shared.model.trigger import NoData, RollbackTrigger, TriggerReading, TriggerState, Verdict
from shared.model.watch import Arrivals

_ARRIVALS = 40
_ENOUGH = 5
_SHARE = 0.95
# Clocks differ by so much, and so does the moment at which a cycle looks from the one that it notes.
_PUNCTUAL = timedelta(seconds=2)


def learned_delay(arrivals: Arrivals | None) -> timedelta:
    """Return by how much a source is late as far as is known; zero while too little is."""
    late_s = sorted(arrivals.late_s) if arrivals else []
    if len(late_s) < _ENOUGH:
        return timedelta(0)
    rank = min(math.ceil(_SHARE * len(late_s)), len(late_s) - 1)
    return timedelta(seconds=late_s[rank - 1])


def with_answer(before: Arrivals, known: Series, fresh: Sequence[Sample], asked_at: datetime) -> Arrivals:
    """Return what is known of a source's delay after one more answer.

    Args:
        before: `asked_at` in it tells when the source last answered.
        known: What was known of the signal until now, in event-time order.
        fresh: The answer. One that holds errors alone is none.
        asked_at: When it was asked for.
    """
    if all(sample.outcome is Outcome.ERROR for sample in fresh):
        return before
    since = min(sample.at for sample in fresh)
    as_old = known[bisect_left(known, since, key=lambda sample: sample.at) :]
    values = {(sample.at, sample.id): (sample.value, sample.count) for sample in as_old}
    new = {
        sample.at
        for sample in fresh
        if sample.outcome is Outcome.MEASURED and values.get((sample.at, sample.id)) != (sample.value, sample.count)
    }
    if not new or before.asked_at is None:
        return replace(before, asked_at=asked_at)
    newest = next((sample.at for sample in reversed(known) if sample.outcome is Outcome.MEASURED), None)
    late = max(_late(at, newest, before.asked_at, asked_at) for at in new)
    return Arrivals(asked_at, (*before.late_s, math.ceil(late.total_seconds()))[-_ARRIVALS:])


def _late(at: datetime, newest: datetime | None, asked_before: datetime, asked_at: datetime) -> timedelta:
    """Return how late a sample came that is new, or not what it was."""
    if asked_before - at <= _PUNCTUAL:
        return timedelta(0)
    if newest is None or at > newest:
        return asked_before - at
    return asked_at - at + (asked_at - asked_before)


def learn(
    signals: Mapping[str, SignalBase],
    arrivals: Mapping[str, Arrivals],
    series: Mapping[str, Series],
    samples: Mapping[str, Sequence[Sample]],
    asked: Mapping[str, datetime],
    looked_at: tuple[datetime, datetime],
) -> dict[str, Arrivals]:
    """Return what is known of the delays of all sources after a cycle's answers.

    Args:
        series: What was known before them.
        samples: The answers, by signal; of one that is pushed, what arrived.
        asked: When those were asked for that are asked.
        looked_at: When the cycle before looked for what is pushed, and when this one did.
    """
    found = {name: known for name, known in arrivals.items() if name in signals}
    for name, fresh in samples.items():
        if name not in signals or signals[name].speaks_seldom:
            continue
        before = found.get(name, Arrivals())
        if name in asked:
            found[name] = with_answer(before, series.get(name, ()), fresh, asked[name])
        else:
            before = replace(before, asked_at=looked_at[0])
            found[name] = with_answer(before, series.get(name, ()), fresh, looked_at[1])
    return found


def assess_late(
    trigger: RollbackTrigger,
    late: Mapping[str, timedelta],
    series: Mapping[str, Sequence[Sample]],
    seen: Seen,
    before: TriggerReading | None = None,
) -> TriggerReading:
    """Read a trigger of whose sources some may be later than declared.

    Args:
        late: The learned delays of its signals.
    """
    declared = assess(trigger, series, seen, before)
    latest = max(sorted(late), key=lambda name: late[name], default=None)
    if latest is None or late[latest] <= trigger.delay or trigger.no_data is NoData.HOLD:
        return declared
    said = f"{latest} comes {say_span(late[latest])} late ({say_span(trigger.delay)} declared)"
    if declared.verdict is Verdict.BLIND:
        return replace(declared, sentence=f"{declared.sentence}; {said}")
    if late[latest] > trigger.delay + 2 * trigger.stale_after:
        return _too_late(trigger, f"{said}: too late to judge by")
    reading = assess(replace(trigger, delay=late[latest]), series, seen, before)
    return replace(reading, sentence=f"{reading.sentence}; {said}")


def _too_late(trigger: RollbackTrigger, sentence: str) -> TriggerReading:
    return TriggerReading(
        name=trigger.name,
        tier=trigger.tier,
        state=TriggerState.INACTIVE,
        verdict=Verdict.BLIND,
        sentence=sentence,
    )
