"""The plain, slow forms of what the product does fast: exact fractions, and halving where it takes larger steps."""

from collections.abc import Sequence
from datetime import timedelta
from fractions import Fraction

from shared.decision.conditions.beta import few_or_fewer
from shared.model.quantity import Dimension
from shared.model.signal import Sample

_HALVINGS = 60
_WHOLE = 1e-6


def amount(value: float, count: int, dimension: Dimension) -> Fraction:
    """Return value times count, a float being the decimal number that it is written as."""
    observed = value * count
    if dimension is Dimension.SHARE and abs(observed - round(observed)) < _WHOLE:
        return Fraction(round(observed))
    return Fraction(repr(value)) * count


def mean(sample: Sample, samples: Sequence[Sample], over: timedelta, dimension: Dimension) -> Fraction:
    """Return the mean, weighted by count, of what was measured in `(at - over, at]`."""
    pool = [s for s in samples if s.value is not None and sample.at - over < s.at <= sample.at]
    total = sum((amount(s.value or 0.0, s.count, dimension) for s in pool), Fraction(0))
    return total / sum(s.count for s in pool)


def upper_bound(failed: float, of: float, chance: float) -> float:
    """Return the rate at which so few failures, or fewer, have just this chance."""
    low, high = failed / of, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if few_or_fewer(failed, of, middle) > chance else (low, middle)
    return high
