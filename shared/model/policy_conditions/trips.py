"""A circuit breaker as it is written: `{trips: calls_failed > 50%, over: 60s, at_least: 20 requests}`."""

from collections.abc import Iterator
from datetime import timedelta

from pydantic import Field

from shared.model.conditions.threshold import Threshold
from shared.model.policy_conditions.comparison import Comparison, bound_of, parts_of
from shared.model.policy_conditions.entry import EntryBase, Signals
from shared.model.quantity import Count, Dimension, Duration, say_duration
from shared.model.strict import Rhythm


class TripsEntry(EntryBase):
    """The share of a trailing window is beyond a threshold, and the window stands on enough; quiet closes it again."""

    key = "trips"

    trips: Comparison
    over: Rhythm = Field(default=timedelta(seconds=60), description="Length of the trailing window.")
    at_least: Count = Field(default=20, description="Observations in the window without which it says nothing.")
    closes: Duration = Field(
        default=timedelta(seconds=30), alias="closes_after", description="Quiet for this long before it is over."
    )

    @property
    def inputs(self) -> tuple[str, ...]:
        return (parts_of(self.trips).signal,)

    @property
    def closes_after(self) -> timedelta:
        return self.closes

    def condition(self, signals: Signals) -> Threshold:
        bound, (name,) = bound_of(self.trips, signals), self.inputs
        return Threshold(
            signal=name,
            dimension=signals[name].measures.dimension,
            comparator=bound.comparator,
            threshold=bound.value,
            over=self.over,
            volume=self.at_least,
        )

    def problems(self, signals: Signals) -> Iterator[tuple[str, str]]:
        yield from super().problems(signals)
        signal = signals[self.inputs[0]]
        if signal.measures.dimension is not Dimension.SHARE:
            yield "trips", "a breaker trips on a share of calls; expected a signal that is a share"
        if self.over < signal.every:
            yield "over", f"shorter than the signal's own rhythm; expected at least {say_duration(signal.every)}"
