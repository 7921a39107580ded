"""Exact 95 % bounds of a share and of a rate, in plain Python.

A share: Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case of the binomial",
Biometrika 26, 1934. A rate of events: Garwood, "Fiducial limits for the Poisson distribution", Biometrika 28, 1936.
Both are the shares and means at which what was seen, or more of it, has a chance of 2.5 % on its side; by bisection.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, fsum, inf, lgamma, log, log1p

_SIDE = 0.025
_HALVINGS = 200


@dataclass(frozen=True, slots=True)
class Bounds:
    """Where the true value lies in 95 of 100 cases, at least."""

    low: float
    high: float


def of_share(hits: int, of: int) -> Bounds:
    """Return the bounds of a share, 0 to 1; with nothing to look at, all is possible."""
    if not 0 <= hits <= of:
        raise ValueError(f"{hits} of {of} is no share")
    low = _root(lambda share: _at_least(hits, of, share) - _SIDE, 0.0, 1.0) if hits else 0.0
    high = _root(lambda share: _SIDE - _at_most(hits, of, share), 0.0, 1.0) if hits < of else 1.0
    return Bounds(low, high)


def of_rate(events: int, time: float) -> Bounds:
    """Return the bounds of a rate: how often in one unit of time."""
    if events < 0 or time < 0:
        raise ValueError(f"{events} events in {time} is no rate")
    if not time:
        return Bounds(0.0, inf)
    most = 4.0 * events + 20.0
    low = _root(lambda mean: 1 - _poisson_at_most(events - 1, mean) - _SIDE, 0.0, most) if events else 0.0
    high = _root(lambda mean: _SIDE - _poisson_at_most(events, mean), 0.0, most)
    return Bounds(low / time, high / time)


def _root(rising: Callable[[float], float], low: float, high: float) -> float:
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if not low < middle < high:
            break
        low, high = (low, middle) if rising(middle) > 0 else (middle, high)
    return (low + high) / 2


def _at_least(hits: int, of: int, share: float) -> float:
    return fsum(_binomial(k, of, share) for k in range(hits, of + 1))


def _at_most(hits: int, of: int, share: float) -> float:
    return fsum(_binomial(k, of, share) for k in range(hits + 1))


def _binomial(hits: int, of: int, share: float) -> float:
    ways = lgamma(of + 1) - lgamma(hits + 1) - lgamma(of - hits + 1)
    return exp(ways + (hits * log(share) if hits else 0.0) + ((of - hits) * log1p(-share) if hits < of else 0.0))


def _poisson_at_most(events: int, mean: float) -> float:
    return fsum(exp(k * log(mean) - mean - lgamma(k + 1)) for k in range(events + 1))
