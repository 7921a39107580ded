"""Signals that are made of others: their samples, slot by slot, from the samples of their parts.

A slot is known from the samples at or before its end alone. What is late revises the slots that it falls into: they are
made anew from what is kept of the parts, so that it does not matter in which order samples arrive.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction

from shared.decision.conditions.pools import amount, exact
from shared.model.derivation import Average, Derivation, Extreme, Part, Ratio, Score, Weighted
from shared.model.policy import Policy
from shared.model.signal import MOST_SAMPLES, Outcome, Sample, Series, failed, measured, merge, no_data

_EPOCH = datetime.fromtimestamp(0, UTC)
_ONCE = timedelta(microseconds=1)
# Of the weight of a score, and of the slots that a ratio adds up: with less, the rest would be guessed.
_LEAST_KNOWN = Fraction(1, 2)
_MOST_COUNTED = 10**9


@dataclass(frozen=True, slots=True)
class _Word:
    """A value and the observations that it stands on."""

    value: Fraction
    count: int


class _Heard:
    """The measured samples of a part in event-time order."""

    def __init__(self, part: Part, samples: Sequence[Sample]) -> None:
        measured_ones = (sample for sample in samples if sample.outcome is Outcome.MEASURED)
        self._dimension = part.dimension
        self._samples = sorted(measured_ones, key=lambda sample: (sample.at, sample.id))
        self._ats = [sample.at for sample in self._samples]

    def between(self, after: datetime, until: datetime) -> _Word | None:
        """Return the mean, weighted by count, of the samples in `(after, until]`."""
        some = self._samples[bisect_right(self._ats, after) : bisect_right(self._ats, until)]
        count = sum(sample.count for sample in some)
        amounts = [Fraction(amount(s.value or 0.0, s.count, self._dimension)) for s in some]
        return _Word(sum(amounts, Fraction(0)) / count, count) if some else None

    def newest(self, after: datetime, until: datetime) -> _Word | None:
        """Return what was said at the newest event time in `(after, until]`."""
        end = bisect_right(self._ats, until)
        return self.between(max(after, self._ats[end - 1] - _ONCE), until) if end else None


type _Parts = Mapping[str, _Heard]
# What is known of a slot, or in words why nothing is.
type _Found = _Word | str


def _word(part: Part, parts: _Parts, slot: timedelta, at: datetime) -> _Word | None:
    """Return what a part says of a slot: the mean of it, or else its last word while that stands."""
    heard = parts[part.signal]
    said = heard.between(at - slot, at) or heard.newest(at - part.patience - _ONCE, at)
    return said if said and said.count >= part.at_least else None


def _nothing_new(parts: Sequence[Part], heard: _Parts, slot: timedelta, at: datetime) -> str:
    """Say that no part had a word within its rhythm: last words alone make no new one, and cover no time."""
    if any(heard[part.signal].newest(at - max(slot, part.every), at) for part in parts):
        return ""
    return f"nothing new of {' and '.join(part.signal for part in parts)}"


def _unknown(parts: Sequence[Part], words: Sequence[_Word | None]) -> str:
    names = [part.signal for part, word in zip(parts, words, strict=True) if word is None]
    return f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'} unknown" if names else ""


def _score(score: Score, parts: _Parts, at: datetime) -> _Found:
    words = [_word(part, parts, score.every, at) for part in score.parts]
    known = [(part, word.value) for part, word in zip(score.parts, words, strict=True) if word]
    unknown = _unknown(score.parts, words)
    whole, heard = _weight(score.parts), _weight([part for part, _ in known])
    if unknown and not (score.leave_out and heard >= _LEAST_KNOWN * whole):
        return unknown
    if old := _nothing_new(score.parts, parts, score.every, at):
        return old
    worth = sum((_worth(part, value) * Fraction(exact(part.weight)) for part, value in known), Fraction(0))
    return _Word(100 * worth / heard, 1)


def _weight(parts: Iterable[Weighted]) -> Fraction:
    return sum((Fraction(exact(part.weight)) for part in parts), Fraction(0))


def _worth(part: Weighted, value: Fraction) -> Fraction:
    """Return 1 up to `good`, 0 from `bad` on, and what lies between linearly."""
    good, bad = Fraction(exact(part.good)), Fraction(exact(part.bad))
    return min(Fraction(1), max(Fraction(0), (bad - value) / (bad - good)))


def _extreme(extreme: Extreme, parts: _Parts, at: datetime) -> _Found:
    words = [_word(part, parts, extreme.every, at) for part in extreme.parts]
    known, unknown = [word for word in words if word], _unknown(extreme.parts, words)
    if unknown and not (extreme.leave_out and known):
        return unknown
    if old := _nothing_new(extreme.parts, parts, extreme.every, at):
        return old
    pick = max if extreme.largest else min
    return pick(known, key=lambda word: word.value)


def _average(average: Average, parts: _Parts, at: datetime) -> _Found:
    (part,) = average.parts
    return parts[part.signal].between(at - average.every, at) or f"{part.signal} is unknown"


def _ratio(ratio: Ratio, parts: _Parts, at: datetime) -> _Found:
    """Add up both amounts over the slots in which both were heard, and divide.

    A part with a shorter rhythm says more than one word in a slot, which are worth their mean times how many there
    should be: a lost one makes no cheap job.
    """
    of, per = ratio.parts
    if old := _nothing_new(ratio.parts, parts, ratio.every, at):
        return old
    slots = ratio.over // ratio.every
    pairs = [_pair(ratio, parts, at - slot * ratio.every) for slot in range(slots)]
    heard = [pair for pair in pairs if pair is not None]
    if len(heard) < _LEAST_KNOWN * slots:
        return f"{of.signal} and {per.signal} were heard together in {len(heard)} of {slots} slots"
    amounts, pieces = (sum(column, Fraction(0)) for column in zip(*heard, strict=True))
    if pieces <= 0:
        return f"there is no {per.signal} to divide by"
    return _Word(amounts / pieces, min(_MOST_COUNTED, max(1, int(pieces))))


def _pair(ratio: Ratio, parts: _Parts, at: datetime) -> tuple[Fraction, Fraction] | None:
    words = [(part, parts[part.signal].between(at - ratio.every, at)) for part in ratio.parts]
    amounts = [word.value * Fraction(ratio.every // _ONCE, part.every // _ONCE) for part, word in words if word]
    return (amounts[0], amounts[1]) if len(amounts) == len(words) else None


_MADE: dict[type[Derivation], Callable[..., _Found]] = {
    Score: _score,
    Extreme: _extreme,
    Average: _average,
    Ratio: _ratio,
}


def derived(derivation: Derivation, series: Mapping[str, Sequence[Sample]], first: datetime, last: datetime) -> Series:
    """Return the samples at the ends of all slots from `first` to `last`, both included.

    Args:
        series: What is kept of its parts, in event-time order.
    """
    since = first - derivation.looks_back - _ONCE
    parts = {part.signal: _Heard(part, _after(series.get(part.signal, ()), since)) for part in derivation.parts}
    made = _MADE[type(derivation)]
    begin = end_of_slot(first, derivation.every)
    slots = (last - begin) // derivation.every + 1
    ends = (begin + slot * derivation.every for slot in range(slots))
    return tuple(_sample(at, made(derivation, parts, at)) for at in ends)


def _after(samples: Sequence[Sample], since: datetime) -> Sequence[Sample]:
    return samples[bisect_right(samples, since, key=lambda sample: sample.at) :]


def _sample(at: datetime, found: _Found) -> Sample:
    if isinstance(found, str):
        return no_data(at, found)
    try:
        return measured(at, float(found.value), found.count)
    except OverflowError:
        return failed(at, "its parts add up to more than a number can hold")


def end_of_slot(at: datetime, every: timedelta) -> datetime:
    """Return the end of the slot that a moment falls into; the end itself belongs to it."""
    return _EPOCH - (_EPOCH - at) // every * every


def with_derived(
    policy: Policy, series: Mapping[str, Series], fresh: Mapping[str, Sequence[Sample]], now: datetime
) -> dict[str, Series]:
    """Return the series of a workload with those that are made of others brought up to date.

    Args:
        series: By signal, with what is new in them; those that are made of others as of the cycle before.
        fresh: What is new, by signal.
    """
    series, changed = dict(series), dict(fresh)
    for derivation in policy.derivations:
        name, known = derivation.name, series.get(derivation.name, ())
        first = _first_to_make(policy, derivation, series, changed, now)
        if first is None or first > now - derivation.lag:
            continue
        made = derived(derivation, series, first, now - derivation.lag)
        before = tuple(sample for sample in known if sample.at < first)
        series[name] = merge(before, made, now=now, keep=policy.horizon(name))
        changed[name] = made
    return series


def _first_to_make(
    policy: Policy,
    derivation: Derivation,
    series: Mapping[str, Series],
    changed: Mapping[str, Sequence[Sample]],
    now: datetime,
) -> datetime | None:
    """Return the end of the first slot that is new, or that what is new falls into; never one that is half forgotten.

    Of a slot so old that samples behind it are dropped already, what was made of it stays.
    """
    names = [part.signal for part in derivation.parts]
    known = series.get(derivation.name, ())
    fresh = [sample.at for name in names for sample in changed.get(name, ())]
    kept = [series[name][0].at for name in names if series.get(name)]
    moments = [*fresh, known[-1].at + _ONCE] if known else kept
    if not moments:
        return None
    remembered = now - min(policy.horizon(name) for name in names) + derivation.looks_back
    most = now - MOST_SAMPLES * derivation.every
    return end_of_slot(max(min(moments), remembered, most), derivation.every)
