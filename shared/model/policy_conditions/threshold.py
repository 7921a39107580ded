"""A threshold as it is written: `{name: errors, when: error_rate > 5%, for: 60s, at_least: 20 requests}`."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial

from pydantic import Field

from shared.model.conditions.threshold import Threshold
from shared.model.policy_conditions.comparison import Comparison, Limit, bound_of, parts_of
from shared.model.policy_conditions.entry import EntryBase, Signals
from shared.model.policy_signals import ProbeSignal
from shared.model.quantity import Dimension, Duration, parse_quantity, say_duration
from shared.model.trigger import Bound, Comparator


class ThresholdEntry(EntryBase):
    """A value beyond a threshold; with `over`, the mean of a trailing interval."""

    key = "when"

    when: Comparison
    over: Duration = Field(default=timedelta(0), description="Pool samples over this trailing interval (shares only).")
    clears: Limit | None = Field(
        default=None, description="What fires goes on firing until the value is back at, or beyond, this."
    )

    @property
    def inputs(self) -> tuple[str, ...]:
        return (parts_of(self.when).signal,)

    def condition(self, signals: Signals) -> Threshold:
        bound, (name,) = bound_of(self.when, signals), self.inputs
        return Threshold(
            signal=name,
            dimension=signals[name].measures.dimension,
            comparator=bound.comparator,
            threshold=bound.value,
            over=self.over,
            volume=self.at_least if self.over else 1,
        )

    def clearing(self, signals: Signals) -> Bound | None:
        return None if self.clears is None else clearing_of(self.when, self.clears, signals)

    def problems(self, signals: Signals) -> Iterator[tuple[str, str]]:
        yield from super().problems(signals)
        yield from clears_problems(self.clears, partial(bound_of, self.when), self.clearing, signals)
        signal = signals[self.inputs[0]]
        if self.over and signal.measures.dimension is not Dimension.SHARE:
            yield "over", "only a share can be pooled over an interval; expected no `over` here"
        if isinstance(signal, ProbeSignal):
            yield from self._volume_problems(signal)

    def _volume_problems(self, probe: ProbeSignal) -> Iterator[tuple[str, str]]:
        window = max(self.hold_for, self.over)
        most = probe.requests * (int(window / probe.every) + 1)
        if self.at_least > most:
            within = say_duration(window)
            yield "at_least", f"the probe sends at most {most} requests in {within}; expected no more than that"


def clearing_of(when: str, clears: str, signals: Signals) -> Bound:
    """Return on which side of `clears` a value must be for a firing to go on: that of the condition.

    Raises:
        ValueError: it has another unit than the signal of the condition.
    """
    compared = parts_of(when)
    dimension = signals[compared.signal].measures.dimension
    return Bound(compared.comparator, parse_quantity(clears, dimension))


def clears_problems(
    clears: Limit | None,
    bound: Callable[[Signals], Bound],
    clearing: Callable[[Signals], Bound | None],
    signals: Signals,
) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with `clears`: it lies on the quiet side of the threshold."""
    if clears is None:
        return
    try:
        threshold, cleared = bound(signals), clearing(signals)
    except ValueError as error:
        yield "clears", str(error)
        return
    above = threshold.comparator in (Comparator.ABOVE, Comparator.AT_LEAST)
    if cleared and (cleared.value >= threshold.value if above else cleared.value <= threshold.value):
        side = "less" if above else "more"
        yield "clears", f"it would be over before it clears; expected {side} than the threshold of `when`"
