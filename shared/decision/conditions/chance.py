"""How unlikely a finding is, in standard deviations of a normal distribution ("sigmas"), in pure Python."""

from functools import lru_cache
from math import exp, floor, lgamma, log, log1p, sqrt
from statistics import NormalDist

_NORMAL = NormalDist()
# Beyond this a float holds no probability: 1e-300 lies at 37 sigmas.
MOST_SIGMAS = 37.0
_LEAST_CHANCE = 1e-300
_NEGLIGIBLE = 1e-12


@lru_cache(maxsize=4096)
def sigmas_of(chance: float) -> float:
    """Return how many sigmas a one-sided chance is worth: 0.00135 is worth 3."""
    return min(MOST_SIGMAS, -_NORMAL.inv_cdf(min(max(chance, _LEAST_CHANCE), 1 - 1e-16)))


def chance_of(sigmas: float) -> float:
    """Return the one-sided chance of so many sigmas."""
    return _NORMAL.cdf(-sigmas)


def normal_equivalent(t: float, freedom: float) -> float:
    """Return the sigmas that Student's t is worth at so many degrees of freedom.

    Wallace, "Bounds on normal approximations to Student's and the chi-square distributions", Ann. Math. Statist. 30
    (1959), 1121-1130: within 2 % of the exact value from 3 degrees of freedom on, and monotone in t.
    """
    if t <= 0:
        return t
    return min(MOST_SIGMAS, sqrt(freedom * log1p(t * t / freedom)) * (8 * freedom + 1) / (8 * freedom + 3))


def excess_sigmas(failed: float, of: float, failed_before: float, of_before: float) -> float:
    """Return how surprising so many failures are after so many before; no more than expected is worth 0.

    The count is held against its predictive distribution, a beta-binomial with Jeffreys' prior, so what is not known of
    the rate before counts too. Of the count itself one half is taken, the mid-p value (Lancaster, "Significance tests
    in discrete distributions", JASA 56, 1961): else a run of small counts would be too careful several times over.
    Counts that were made smaller for overdispersion are no whole numbers: between two whole ones the sigmas are
    interpolated.
    """
    a, b = failed_before + 0.5, max(0.0, of_before - failed_before) + 0.5
    trials = max(1, round(of))
    failed = min(failed, trials)
    below = floor(failed)
    rest = failed - below
    low = _whole_excess(below, trials, a, b)
    return low if rest < _NEGLIGIBLE else low + rest * (_whole_excess(below + 1, trials, a, b) - low)


def _whole_excess(failed: int, of: int, a: float, b: float) -> float:
    if failed <= of * a / (a + b):
        return 0.0
    or_more, more = (beta_binomial_tail(k, of, a, b) for k in (failed, failed + 1))
    return max(0.0, sigmas_of((or_more + more) / 2))


def beta_binomial_tail(failed: int, of: int, a: float, b: float) -> float:
    """Return the chance of `failed` or more of `of`, where the rate itself is drawn from Beta(a, b).

    Args:
        failed: More than expected: the terms that are summed become ever smaller.
    """
    if failed <= 0 or failed > of:
        return 0.0 if failed > of else 1.0
    log_term = (
        lgamma(of + 1)
        - lgamma(failed + 1)
        - lgamma(of - failed + 1)
        + _log_beta(failed + a, of - failed + b)
        - _log_beta(a, b)
    )
    term = share = 1.0
    for k in range(failed, of):
        share *= (of - k) * (k + a) / ((k + 1) * (of - k - 1 + b))
        term += share
        if share < _NEGLIGIBLE * term:
            break
    return min(1.0, exp(max(log_term + log(term), log(_LEAST_CHANCE))))


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)
