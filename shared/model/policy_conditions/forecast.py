"""A forecast as it is written: `{name: full, reaches: storage_gb >= 95, within: 7d, fit: 24h}`."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated

from pydantic import Field

from shared.model.conditions.forecast import PIECES, Forecast
from shared.model.policy_conditions.comparison import Comparison, bound_of, parts_of
from shared.model.policy_conditions.entry import EntryBase, Signals
from shared.model.quantity import Duration, say_duration
from shared.model.strict import Name

_Long = Annotated[Duration, Field(ge=timedelta(minutes=1))]


class ForecastEntry(EntryBase):
    """A limit that will be reached if the signal goes on as it did."""

    key = "reaches"

    reaches: Comparison
    within: _Long = Field(description="How far ahead it is looked.")
    fit: _Long = Field(default=timedelta(hours=24), description="How far back the trend is taken from.")

    @property
    def inputs(self) -> tuple[Name, ...]:
        return (parts_of(self.reaches).signal,)

    def condition(self, signals: Signals) -> Forecast:
        bound, (name,) = bound_of(self.reaches, signals), self.inputs
        return Forecast(
            signal=name,
            dimension=signals[name].measures.dimension,
            comparator=bound.comparator,
            threshold=bound.value,
            within=self.within,
            fit=self.fit,
        )

    def problems(self, signals: Signals) -> Iterator[tuple[str, str]]:
        yield from super().problems(signals)
        every = signals[self.inputs[0]].every
        if self.fit < PIECES * every:
            wanted = say_duration(PIECES * every)
            yield "fit", f"too few samples for a trend; expected at least {wanted}, or a shorter `every`"
