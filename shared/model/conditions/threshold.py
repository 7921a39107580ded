"""A value held against a fixed limit."""

from dataclasses import dataclass
from datetime import timedelta

from shared.model.quantity import Dimension
from shared.model.trigger import Comparator


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """The value of a signal is above, or below, a threshold.

    Attributes:
        threshold: In the product's own unit.
        over: Samples are pooled over this trailing interval, weighted by count; zero takes each by itself.
        volume: Observations without which a pool says nothing, either way.
    """

    signal: str
    dimension: Dimension
    comparator: Comparator
    threshold: float
    over: timedelta = timedelta(0)
    volume: int = 1

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.signal,)

    @property
    def looks_back(self) -> timedelta:
        return self.over
