"""Two builds or slots side by side: are the samples of one worse than those of the other in the same time?

The rank-sum test of Mann and Whitney (Ann. Math. Statist. 18, 1947) with the correction for ties and for continuity
(Lehmann, "Nonparametrics", 1975, 1.4); the effect must matter too: Cliff's delta (Psychol. Bull. 114, 1993) of at least
1/3, which is medium (Romano et al., 2006), and medians that lie far enough apart. Neighbouring samples resemble each
other, so each counts as the part of an independent one that the autocorrelation of the good side leaves (Bartlett,
1935). It is asked at every sample of the side that is judged: the k-th look spends 1/(k (k+1)) of the level (Lan and
DeMets, 1983).
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import sqrt
from statistics import median

from shared.decision.conditions.chance import sigmas_of
from shared.decision.conditions.eras import Era, Value, eras_of
from shared.decision.conditions.line import Mark, View
from shared.decision.conditions.usual import correlation_of, middle_of
from shared.model.conditions.concurrent import Concurrent
from shared.model.quantity import Dimension, say_value
from shared.model.signal import Sample

# With fewer samples on a side not even the clearest difference is no chance.
_LEAST_SAMPLES = 5
_MEDIUM = 1 / 3


@dataclass(slots=True)
class Ranks:
    """The samples of two sides as they come in, and their rank sum.

    Attributes:
        judged, other: In order of value.
        ahead: Pairs in which the judged side is worse; a tie is half of one: Mann and Whitney's U.
        ties: Sum of t^3 - t over all groups of t equal values.
    """

    judged: list[float] = field(default_factory=list)
    other: list[float] = field(default_factory=list)
    ahead: float = 0.0
    ties: int = 0

    def add_judged(self, value: float) -> None:
        """Take in one more value of the judged side; more is worse."""
        below, through = bisect_left(self.other, value), bisect_right(self.other, value)
        self.ahead += (below + through) / 2
        self._tie(value)
        insort(self.judged, value)

    def add_other(self, value: float) -> None:
        """Take in one more value of the side that it is compared with."""
        below, through = bisect_left(self.judged, value), bisect_right(self.judged, value)
        self.ahead += len(self.judged) - (below + through) / 2
        self._tie(value)
        insort(self.other, value)

    def _tie(self, value: float) -> None:
        equal = sum(bisect_right(side, value) - bisect_left(side, value) for side in (self.judged, self.other))
        self.ties += 3 * equal * (equal + 1)  # (e+1)^3 - (e+1) - (e^3 - e)

    @property
    def enough(self) -> bool:
        return min(len(self.judged), len(self.other)) >= _LEAST_SAMPLES

    @property
    def delta(self) -> float:
        """Cliff's delta: the chance that the judged side is worse, less the chance that it is better."""
        return 2 * self.ahead / (len(self.judged) * len(self.other)) - 1

    @property
    def sigmas(self) -> float:
        """The rank sum in standard deviations above its mean, with the corrections for continuity and ties."""
        n, m = len(self.judged), len(self.other)
        total = n + m
        variance = n * m / 12 * (total + 1 - self.ties / (total * (total - 1)))
        return max(0.0, (self.ahead - n * m / 2 - 0.5) / sqrt(variance)) if variance > 0 else 0.0


def marks(condition: Concurrent, inputs: Mapping[str, Sequence[Sample]], view: View) -> list[Mark]:
    """Return a mark for every instant at which the judged signal was measured."""
    beside_all = view if view.since is None else replace(view, since=view.since - condition.before.within)
    others = {era.start: era for era in eras_of(inputs[condition.other], condition.before, beside_all)}
    found: list[Mark] = []
    for era in eras_of(inputs[condition.signal], condition.before, view):
        beside = others.get(era.start)
        found += _of_era(condition, era, beside.values if beside else (), era.first_wanted(view))
    return found


def _of_era(condition: Concurrent, era: Era, others: Sequence[Value], first: int) -> list[Mark]:
    level = era.level(condition.level, condition.before)
    sign = -1.0 if condition.falls else 1.0
    ranks, taken = Ranks(), 0
    found: list[Mark] = []
    for look, value in enumerate(era.values, start=1):
        while taken < len(others) and others[taken].at <= value.at:
            ranks.add_other(sign * others[taken].value)
            taken += 1
        ranks.add_judged(sign * value.value)
        if look <= first:
            continue
        needed = sigmas_of(level / (look * (look + 1)))
        found.append(_mark(condition, ranks, value, others[:taken] if _is_near(ranks, needed) else (), needed))
    return found


def _is_near(ranks: Ranks, needed: float) -> bool:
    """Tell whether it is worth to look at how much the samples resemble each other: that only weakens what is found."""
    return ranks.enough and ranks.sigmas >= needed


def _mark(condition: Concurrent, ranks: Ranks, value: Value, others: Sequence[Value], needed: float) -> Mark:
    sign = -1.0 if condition.falls else 1.0
    if not ranks.enough:
        seen = f"{len(ranks.judged)} and {len(ranks.other)} samples of {_LEAST_SAMPLES} needed of each"
        return Mark(value.at, None, value.value, value.value, value.count, note=seen)
    judged, other = sign * middle_of(ranks.judged), sign * middle_of(ranks.other)
    sigmas = ranks.sigmas
    if others:
        correlation = correlation_of(_around_usual([v.value for v in others], other))
        sigmas *= sqrt((1 - correlation) / (1 + correlation))
    violates = sigmas >= needed and ranks.delta >= _MEDIUM and _matters(condition, judged, other)
    seen = f"{len(ranks.judged)} against {len(ranks.other)} samples"
    note = f"{seen}, worse in {(ranks.delta + 1) / 2:.0%} of pairs, {sigmas:.1f} sigmas of {needed:.1f} needed"
    return Mark(value.at, violates, judged, other, value.count, note=note)


def _around_usual(values: Sequence[float], centre: float) -> list[float]:
    """Keep outliers from hiding that neighbours are alike: no farther out than 3 scales."""
    scale = 1.4826 * median(abs(value - centre) for value in values)
    return [min(max(value, centre - 3 * scale), centre + 3 * scale) for value in values] if scale else list(values)


def _matters(condition: Concurrent, judged: float, other: float) -> bool:
    step = condition.by if condition.dimension is Dimension.SHARE else condition.by * abs(other)
    off = other - judged if condition.falls else judged - other
    return off > 0 and off >= step


def said(condition: Concurrent, mark: Mark) -> str:
    """Say what a mark found: `canary_p95 900 ms against 410 ms of stable_p95 (24 against 25 samples, ...)`."""
    if mark.violates is None:
        return f"{condition.signal} cannot be compared with {condition.other}: {mark.note}"
    judged, other = say_value(mark.value, condition.dimension), say_value(mark.limit, condition.dimension)
    worse = "worse" if mark.violates else "no worse"
    return f"{condition.signal} is {worse}: {judged} against {other} of {condition.other} ({mark.note})"
