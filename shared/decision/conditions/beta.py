"""The incomplete beta function and what follows from it, in pure Python."""

from functools import lru_cache
from math import exp, inf, lgamma, log, log1p, sqrt

from shared.decision.conditions.chance import sigmas_of

_TINY = 1e-300
_CLOSE = 1e-14
_MOST_STEPS = 10_000
_HALVINGS = 60
_SETTLED = 1e-12


def log_beta_above(a: float, b: float, x: float) -> float:
    """Return the logarithm of the integral of t^(a-1) (1-t)^(b-1) from x to 1; 0 < x < 1."""
    return _log_tail(b, a, 1 - x, x)


@lru_cache(maxsize=4096)
def upper_bound(failed: float, of: float, chance: float) -> float:
    """Return the rate at which so few failures, or fewer, have just this chance (Clopper and Pearson, 1934).

    By Newton's method on the logarithm of that chance, from where Wilson and Hilferty (1931) say that it is for rare
    failures; where it would leave what is known to hold the rate, that is halved. A baseline asks for its own in every
    cycle, so the latest are remembered.
    """
    if failed >= of:
        return 1.0
    low, high = failed / of, 1.0
    a, b, wanted = failed + 1, of - failed, log(chance)
    whole = log_beta(a, b)
    rate = min(a * (1 - 1 / (9 * a) + sigmas_of(chance) / (3 * sqrt(a))) ** 3 / of, (low + high) / 2)
    for _ in range(_HALVINGS):
        tail = log_beta_above(a, b, rate)
        low, high = (rate, high) if tail - whole > wanted else (low, rate)
        slope = -exp((a - 1) * log(rate) + (b - 1) * log1p(-rate) - tail) if tail > -inf else 0.0
        nearer = rate - (tail - whole - wanted) / slope if slope else low
        nearer = nearer if low < nearer < high else (low + high) / 2
        if abs(nearer - rate) <= _SETTLED * nearer:
            return nearer
        rate = nearer
    return rate


def lower_bound(failed: float, of: float, chance: float) -> float:
    """Return the rate at which so many failures, or more, have just this chance."""
    return 1 - upper_bound(of - failed, of, chance)


def few_or_fewer(failed: float, of: float, rate: float) -> float:
    """Return the chance of `failed` or fewer of `of` at a rate: the binomial distribution function."""
    if failed >= of or rate <= 0:
        return 1.0
    if rate >= 1:
        return 0.0
    return exp(log_beta_above(failed + 1, of - failed, rate) - log_beta(failed + 1, of - failed))


def log_beta(a: float, b: float) -> float:
    """Return the logarithm of the beta function."""
    return lgamma(a) + lgamma(b) - lgamma(a + b)


def _log_tail(a: float, b: float, x: float, rest: float) -> float:
    """Return the logarithm of the integral from 0 to x, `rest` being 1 - x: DLMF 8.17(v), https://dlmf.nist.gov/8.17."""
    if x <= (a + 1) / (a + b + 2):
        return _log_front(a, b, x, rest) + log(_fraction(a, b, x)) - log(a)
    other = _log_front(b, a, rest, x) + log(_fraction(b, a, rest)) - log(b) - log_beta(a, b)
    return log_beta(a, b) + log1p(-exp(other)) if other < 0 else -inf


def _log_front(a: float, b: float, x: float, rest: float) -> float:
    return a * log(x) + b * log(rest)


def _fraction(a: float, b: float, x: float) -> float:
    """Evaluate the continued fraction DLMF 8.17.22 by Lentz's method (Thompson and Barnett, 1986)."""
    c, d = 1.0, 1 / ((1 - (a + b) * x / (a + 1)) or _TINY)
    value = d
    for m in range(1, _MOST_STEPS):
        even = a + 2 * m
        step = m * (b - m) * x / ((even - 1) * even)
        d = 1 / ((1 + step * d) or _TINY)
        c = (1 + step / c) or _TINY
        value *= c * d
        step = -(a + m) * (a + b + m) * x / (even * (even + 1))
        d = 1 / ((1 + step * d) or _TINY)
        c = (1 + step / c) or _TINY
        value *= c * d
        if -_CLOSE < c * d - 1 < _CLOSE:
            break
    return value
