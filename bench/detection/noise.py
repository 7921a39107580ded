"""Quiet watches that are made up: noise alone, asked at every sample. Whatever alarms is a false alarm.

Five signals, independent of each other, as the default judgement names them. Latencies are log-normal, of very
different scatter, from steady ones to ones of which a fifth more means nothing. Failures are binomial, and their rate
itself goes up and down. All noise is AR(1): each value keeps a part of what the one before was off by.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import exp, sqrt
from random import Random

from bench.detection.episodes import CHANGED_AT, ERRORS, Episode, Line
from shared.model.conditions.pace import Pace
from shared.model.quantity import Dimension
from shared.model.signal import Sample, measured

CORRELATIONS = (0.0, 0.3, 0.6)
# How much a latency scatters, in parts of itself.
_SCATTER = {"typical": 0.05, "p90": 0.1, "p95": 0.2, "p99": 0.4}
_REQUESTS, _FAIL, _RATE_SCATTER = 600, 0.003, 0.5
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Setting:
    """One kind of quiet watches.

    Attributes:
        watches: How many of them are asked.
    """

    name: str
    before: int
    looks: int
    watches: int


SETTINGS = (
    Setting("4 looks after 8 samples", 8, 4, 2000),
    Setting("4 looks after 26 samples", 26, 4, 2000),
    Setting("5 looks after 60 samples", 60, 5, 2000),
    Setting("60 looks after 60 samples", 60, 60, 1000),
    Setting("240 looks after 60 samples", 60, 240, 500),
)


def quiet_watches(setting: Setting, correlation: float) -> Iterator[Episode]:
    """Yield made-up quiet watches, always the same ones."""
    for number in range(setting.watches):
        yield _watch(setting, correlation, Random(f"{setting.name} {correlation} {number}"))


def _watch(setting: Setting, correlation: float, chance: Random) -> Episode:
    moments = [place - setting.before + 1 for place in range(setting.before + setting.looks)]
    lines = [_latency(name, scatter, moments, correlation, chance) for name, scatter in _SCATTER.items()]
    return Episode(
        id="made up",
        system="noise",
        faulty=False,
        visible=False,
        pace=Pace(every=_MINUTE, patience=3 * _MINUTE),
        baseline=setting.before * _MINUTE,
        ended=[CHANGED_AT + minute * _MINUTE for minute in moments if minute > 0],
        lines=[_failures(moments, correlation, chance), *lines],
    )


def ar1(length: int, correlation: float, chance: Random) -> list[float]:
    """Return noise of variance 1 in which each value keeps a part of the one before."""
    line = [chance.gauss(0, 1)]
    rest = sqrt(1 - correlation**2)
    for _ in range(length - 1):
        line.append(correlation * line[-1] + rest * chance.gauss(0, 1))
    return line


def _latency(name: str, scatter: float, moments: Sequence[int], correlation: float, chance: Random) -> Line:
    noise = ar1(len(moments), correlation, chance)
    return Line(name, Dimension.LATENCY, _samples(moments, [200 * exp(scatter * x) for x in noise]))


def _failures(moments: Sequence[int], correlation: float, chance: Random) -> Line:
    noise = ar1(len(moments), correlation, chance)
    rates = [_FAIL * exp(_RATE_SCATTER * x) for x in noise]
    shares = [chance.binomialvariate(_REQUESTS, rate) / _REQUESTS for rate in rates]
    return Line(ERRORS, Dimension.SHARE, _samples(moments, shares, _REQUESTS))


def _samples(moments: Sequence[int], values: Sequence[float], count: int = 1) -> list[Sample]:
    return [
        measured(CHANGED_AT + minute * _MINUTE, value, count) for minute, value in zip(moments, values, strict=True)
    ]


def two_sides(setting: Setting, correlation: float) -> Iterator[Mapping[str, Sequence[Sample]]]:
    """Yield pairs of latencies that are the same but for noise, as of two builds side by side."""
    for number in range(setting.watches):
        chance = Random(f"sides {setting.name} {correlation} {number}")
        moments = list(range(1, setting.looks + 1))
        sides = {side: _latency(side, 0.3, moments, correlation, chance) for side in ("canary", "stable")}
        yield {side: line.samples for side, line in sides.items()}
