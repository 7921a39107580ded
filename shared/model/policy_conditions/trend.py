"""A trend as it is written: `{name: errors_rise, trend: errors, rises: 50%, at_least_by: 5, over: 1h}`."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from shared.model.conditions.trend import Trend
from shared.model.policy_conditions.entry import EntryBase, Signals
from shared.model.policy_conditions.rate import Rate, Written, amount_of, pace_of
from shared.model.quantity import Dimension, say_duration
from shared.model.strict import Name, Rhythm

# A rise of next to nothing is noise, whatever share it is. Of a plain number only the team knows how much that is.
_LEAST_STEP = {Dimension.SHARE: 0.01, Dimension.LATENCY: 50.0}


class TrendEntry(EntryBase):
    """The mean of a period against that of the period before."""

    key = "trend"

    trend: Name
    rises: Rate | None = Field(default=None, description="By more than this share of what it was.")
    falls: Rate | None = Field(default=None, description="By more than this share of what it was.")
    at_least_by: Written | None = Field(
        default=None, description="And by more than this; 1% of a share and 50ms of a latency if not given."
    )
    over: Annotated[Rhythm, Field(description="Length of each of the two periods.")]

    @model_validator(mode="after")
    def _goes_one_way(self) -> Self:
        if (self.rises is None) == (self.falls is None):
            raise ValueError("a trend goes one way: write either `rises: 50%` or `falls: 50%`")
        return self

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.trend,)

    def condition(self, signals: Signals) -> Trend:
        signal = signals[self.trend]
        dimension = signal.measures.dimension
        if self.at_least_by is None and dimension is Dimension.NUMBER:
            raise ValueError("of next to nothing any share is noise; expected `at_least_by` with an amount")
        if self.over < signal.every:
            raise ValueError(f"periods without samples; expected `over: {say_duration(signal.every)}` or longer")
        step = amount_of(self.at_least_by, dimension) if self.at_least_by else _LEAST_STEP.get(dimension, 0.0)
        return Trend(
            signal=self.trend,
            dimension=dimension,
            falls=self.falls is not None,
            by=self.rises or self.falls or 0.0,
            at_least_by=step,
            over=self.over,
            least=self.at_least,
            pace=pace_of(signal),
        )
