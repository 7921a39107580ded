"""The judgement of a change: is any of its signals worse than before, by too much for chance and by enough to matter?

Each signal is held against its own baseline. It is found worse by a run of neighbouring values, two to four, that *all*
lie on the worse side, by as much as the mean of such a run would have to: a burst or an outlier is no run (the
two-in-a-row rule of Lucas and Crosier, "Robust CUSUM", Commun. Statist. A 11, 1982). What neighbours share of the same
noise is taken into account by the autocorrelation of the baseline. A single value is enough only of counted failures,
and only where it leaves no room for doubt.

It may be asked at every value. The level is spent over the looks, 1/2 on the second, 1/6 on the third, 1/((k-1) k) on
the k-th (Lan and DeMets, "Discrete sequential boundaries for clinical trials", Biometrika 70, 1983): however long one
looks, no more than all of it. Over the signals it is spent by the rule of Simes ("An improved Bonferroni procedure for
multiple tests of significance", Biometrika 73, 1986), which holds for signals that go up together too (Sarkar, Ann.
Statist. 26, 1998): one that is much worse is enough, and so are several that are each somewhat worse.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from heapq import merge
from itertools import groupby
from math import inf

from shared.decision.conditions.chance import chance_of, normal_equivalent, sigmas_of
from shared.decision.conditions.eras import Era, Value, eras_of
from shared.decision.conditions.line import Mark, View
from shared.decision.conditions.usual import Counted, Usual, usual_of
from shared.model.conditions.before import LEAST_BASELINE
from shared.model.conditions.judged import Judged, Part
from shared.model.quantity import Dimension, say_value
from shared.model.signal import Sample

_SHORTEST_RUN, _LONGEST_RUN = 2, 4
# One value of counted failures speaks for itself when it is so far out, and so many times what matters.
_ALONE_SIGMAS, _ALONE_TIMES = 6.0, 6.0


@dataclass(slots=True)
class Word:
    """What one signal says at one moment.

    Attributes:
        usual: What it used to be; `None` where too little is known of that.
        sigmas: Of the strongest run that ends here; 0 where nothing matters.
        level: What may be spent at this look, on all signals together.
        spent: The chance of so many sigmas, in parts of that level.
        alone: This one value is enough.
        doubtful: It is the first value since the change, and matters: it takes two to tell.
    """

    part: Part
    at: datetime
    value: float
    count: int
    usual: float | None = None
    sigmas: float = 0.0
    level: float = 0.0
    spent: float = inf
    alone: bool = False
    doubtful: bool = False

    @property
    def is_known(self) -> bool:
        """Tell whether it can be said that nothing is wrong."""
        return self.usual is not None and not self.doubtful


@dataclass(slots=True)
class _Run:
    """The newest values that all matter, of one signal in one stretch of time."""

    sigmas: list[float] = field(default_factory=list)

    def add(self, sigmas: float) -> None:
        self.sigmas = [*self.sigmas[-_LONGEST_RUN + 1 :], sigmas]

    def strength(self, usual: Usual) -> float:
        """Return the sigmas of the strongest run of two and more that ends with the newest value."""
        if len(self.sigmas) < _SHORTEST_RUN:
            return 0.0
        best, least = 0.0, float("inf")
        for length, sigmas in enumerate(reversed(self.sigmas), start=1):
            least = min(least, sigmas)
            if length >= _SHORTEST_RUN:
                best = max(best, least / usual.spread(length))
        return normal_equivalent(best, usual.freedom)


def marks(condition: Judged, inputs: Mapping[str, Sequence[Sample]], view: View) -> list[Mark]:
    """Return a mark for every instant at which one of the signals was measured."""
    spoken = merge(*(_words(condition, part, inputs[part.signal], view) for part in condition.parts), key=_moment)
    found: list[Mark] = []
    latest: dict[str, Word] = {}
    for at, words in groupby(spoken, key=_moment):
        latest |= {word.part.signal: word for word in words}
        if view.since is None or at > view.since:
            found.append(_together(condition, latest, at))
    return found


def _moment(word: Word) -> datetime:
    return word.at


def _words(condition: Judged, part: Part, samples: Sequence[Sample], view: View) -> list[Word]:
    found: list[Word] = []
    if view.since is not None:  # a word counts beside later ones of other signals
        view = replace(view, since=view.since - part.pace.patience)
    for era in eras_of(samples, condition.before, view):
        usual = usual_of(era.usual, part.dimension, falls=part.falls)
        found += _unknown(part, era) if usual is None else _of_era(condition, part, era, usual, view)
    return found


def _unknown(part: Part, era: Era) -> list[Word]:
    return [Word(part, value.at, value.value, value.count) for value in era.values]


def _of_era(condition: Judged, part: Part, era: Era, usual: Usual, view: View) -> list[Word]:
    whole, level_at = era.level(condition.level, condition.before), usual.level
    run = _Run()
    found = []
    first = max(0, era.first_wanted(view) - _LONGEST_RUN + 1)
    for look, value in enumerate(era.values[first:], start=first + 1):
        matters = usual.matters(value.value, condition.by, condition.points)
        if not matters:
            run.sigmas.clear()
            found.append(Word(part, value.at, value.value, value.count, level_at, level=level_at_look(look, whole)))
            continue
        run.add(usual.sigmas(value))
        sigmas, level = run.strength(usual), level_at_look(look, whole)
        word = Word(
            part,
            value.at,
            value.value,
            value.count,
            usual=level_at,
            sigmas=sigmas,
            level=level,
            spent=chance_of(sigmas) / level if sigmas else inf,
            alone=_alone(condition, usual, run, value),
            doubtful=look == 1,
        )
        found.append(word)
    return found


def level_at_look(look: int, level: float) -> float:
    """Return what may be spent of a level at a look; there is no run yet at the first."""
    return level / ((look - 1) * look) if look > 1 else level


def _alone(condition: Judged, usual: Usual, run: _Run, value: Value) -> bool:
    """Tell whether one value is enough."""
    if not isinstance(usual, Counted) or not run.sigmas or run.sigmas[-1] < _ALONE_SIGMAS:
        return False
    return usual.matters(value.value, condition.by, _ALONE_TIMES * condition.points)


def _together(condition: Judged, latest: Mapping[str, Word], at: datetime) -> Mark:
    """Many signals that are somewhat worse, or one that is much: all must be known for it to be quiet."""
    # In the order of the policy: which signal was heard first does not matter where two weigh the same.
    known = [(part, latest.get(part.signal)) for part in condition.parts]
    heard = {part.signal: word for part, word in known if word is not None and at - word.at <= part.pace.patience}
    words = sorted(heard.values(), key=_weight)
    agreeing = agreeing_of([word.spent for word in words], len(condition.parts)) if any(w.sigmas for w in words) else 0
    worse = agreeing > 0 or words[0].alone
    unknown = [part.signal for part, word in known if part.signal not in heard or word is None or not word.is_known]
    violates = True if worse else None if unknown else False
    note = _why_unknown(unknown[0], heard.get(unknown[0])) if violates is None else _found(condition, words, agreeing)
    usual = words[0].value if words[0].usual is None else words[0].usual
    count = sum(word.count for word in words if word.at == at)
    return Mark(at, violates, words[0].value, usual, count, note=note)


def agreeing_of(spent: Sequence[float], of: int) -> int:
    """Return how many signals agree that it is worse: the most of which the least sure spends no more than their part.

    Args:
        spent: In parts of the level, the surest signal first.
    """
    return max((place for place, part in enumerate(spent, start=1) if part <= place / of), default=0)


def _weight(word: Word) -> tuple[bool, float]:
    """Return how little a signal says about harm: who says most speaks for all."""
    return not word.alone, word.spent


def _why_unknown(name: str, word: Word | None) -> str:
    if word is None:
        return f"{name} is not measured"
    if word.usual is None:
        return f"of {name} fewer than {LEAST_BASELINE} samples are known from before"
    return f"{_compared(word)}, seen once: it takes two to tell"


def _found(condition: Judged, words: Sequence[Word], agreeing: int) -> str:
    word = words[0]
    if not word.sigmas:
        return _compared(word)
    needed = sigmas_of(word.level * max(1, agreeing) / len(condition.parts))
    also = f", {agreeing - 1} more agree" if agreeing > 1 else ""
    return f"{_compared(word)} ({word.sigmas:.1f} sigmas of {needed:.1f} needed{also})"


def _compared(word: Word) -> str:
    usual = word.value if word.usual is None else word.usual
    dimension = word.part.dimension
    return f"{word.part.signal} {_say(word.value, dimension)}, usually {_say(usual, dimension)}"


def _say(value: float, dimension: Dimension) -> str:
    return f"{value:.4g}" if dimension is Dimension.SHARE else say_value(value, dimension)


def said(condition: Judged, mark: Mark) -> str:
    """Say what a mark found: `worse than before: p95 610 ms, usually 210 ms (7.3 sigmas of 3.1 needed)`."""
    if mark.violates is None:
        return f"not judged: {mark.note}"
    count = len(condition.parts)
    of = f" in {count} signals" if count > 1 else ""
    return f"worse than before: {mark.note}" if mark.violates else f"no worse than before{of}: {mark.note}"
