"""More failures than a rate allows: a test that may be asked at every sample and as often as one likes.

The evidence is the mixture likelihood ratio of Robbins ("Statistical methods related to the law of the iterated
logarithm", Ann. Math. Statist. 41, 1970): how much better all rates above the one that is allowed, weighted alike,
explain the counts than that rate does. While the true rate is not above it, evidence of 1/level is *ever* reached with
a chance of at most `level` (Ville's inequality; Ramdas et al., "Game-theoretic statistics and safe anytime-valid
inference", Statist. Sci. 38, 2023). The promise is for failures that are independent of each other; against a baseline
the counts are made smaller by its overdispersion. A rate that is not known is bounded: half of the level is spent on an
upper bound of what the baseline shows (Clopper and Pearson, Biometrika 26, 1934).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, inf, log

from shared.decision.conditions.beta import log_beta_above, upper_bound
from shared.decision.conditions.eras import Era, eras_of
from shared.decision.conditions.line import Mark, View
from shared.decision.conditions.usual import Counted, usual_of
from shared.model.conditions.before import LEAST_BASELINE
from shared.model.conditions.more_errors import MoreErrors
from shared.model.quantity import Dimension
from shared.model.signal import Sample

_LEAST_RATE = 1e-6


def marks(condition: MoreErrors, inputs: Mapping[str, Sequence[Sample]], view: View) -> list[Mark]:
    """Return a mark for every instant at which the share was measured."""
    found: list[Mark] = []
    for era in eras_of(inputs[condition.signal], condition.before, view):
        found += _of_era(condition, era, view)
    return found


def _of_era(condition: MoreErrors, era: Era, view: View) -> list[Mark]:
    level, first = era.level(condition.level, condition.before), era.first_wanted(view)
    usual = usual_of(era.usual, Dimension.SHARE, falls=False) if condition.than is None else None
    if condition.than is not None:
        return _counted(condition, era, first, _Allowed(condition.than, condition.than, 1.0, level))
    if isinstance(usual, Counted):
        bound = max(_LEAST_RATE, upper_bound(usual.failed, usual.of, level / 2))
        return _counted(condition, era, first, _Allowed(usual.rate, bound, usual.overdispersion, level / 2))
    note = f"{len(era.usual)} of {LEAST_BASELINE} samples with more than one request each are known from before"
    return [Mark(v.at, None, v.value, v.value, v.count, note=note) for v in era.values]


@dataclass(frozen=True, slots=True)
class _Allowed:
    """What failures are held against.

    Attributes:
        rate: What is allowed, or was usual.
        bound: What it may have been at most.
        overdispersion: By this the counts are made smaller.
        level: May be spent on a stretch.
    """

    rate: float
    bound: float
    overdispersion: float
    level: float


def _counted(condition: MoreErrors, era: Era, first: int, allowed: _Allowed) -> list[Mark]:
    """Judge the counts of a stretch, from the first value on that is wanted."""
    found: list[Mark] = []
    needed, worse = -log(allowed.level), allowed.rate + condition.by
    failed, of = 0.0, 0
    for place, value in enumerate(era.values):
        failed, of = failed + value.value * value.count, of + value.count
        if place < first:
            continue
        evidence = evidence_of(failed / allowed.overdispersion, of / allowed.overdispersion, allowed.bound)
        violates = evidence >= needed and failed / of >= worse
        note = _evidence(evidence)
        found.append(Mark(value.at, violates, failed / of, allowed.rate, value.count, of - value.count, note))
    return found


def _evidence(found: float) -> str:
    return f"evidence {min(exp(min(found, 21.0)), 1e9):.3g} to 1"


def evidence_of(failed: float, of: float, rate: float) -> float:
    """Return the logarithm of the mixture likelihood ratio of all rates above one, weighted alike, against that one."""
    if rate >= 1:  # no rate is above that of a service that always failed
        return -inf
    ok = max(0.0, of - failed)
    alternative = log_beta_above(failed + 1, ok + 1, rate) - log(1 - rate)
    if alternative == -inf:
        return -inf
    return alternative - failed * log(rate) - ok * log(1 - rate)


def said(condition: MoreErrors, mark: Mark) -> str:
    """Say what a mark found: `error_rate 0.031 > 0.01 (evidence 4.1e+03 to 1)`."""
    if mark.violates is None:
        return f"{condition.signal} cannot be judged: {mark.note}"
    before = "" if condition.than is not None else " before"
    compared = "is more than" if mark.violates else "is not shown to be more than"
    return f"{condition.signal} {mark.value:.4g} {compared} {mark.limit:.4g}{before} ({mark.note})"
