"""A burn rate as it is written: `{name: budget, burns: error_rate, objective: 99.9%, rate: 14.4}`."""

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field

from shared.model.conditions.burn import Burn
from shared.model.policy_conditions.entry import EntryBase, Signals
from shared.model.policy_conditions.rate import pace_of
from shared.model.quantity import Dimension, Share
from shared.model.strict import Name

_HOUR, _MINUTE = timedelta(hours=1), timedelta(minutes=1)
# Rate, long and short window: table 5-8 of The Site Reliability Workbook, chapter 5, and its last row for tickets.
# They use up 2 %, 5 %, 10 % and 10 % of the budget of 30 days within the long window.
WINDOWS = {
    14.4: (_HOUR, 5 * _MINUTE),
    6.0: (6 * _HOUR, 30 * _MINUTE),
    3.0: (24 * _HOUR, 2 * _HOUR),
    1.0: (72 * _HOUR, 6 * _HOUR),
}


def _in_the_table(rate: float) -> float:
    if rate not in WINDOWS:
        raise ValueError(f"no windows are known for a rate of {rate:g}; expected one of: 14.4, 6, 3, 1")
    return rate


def _leaves_a_budget(share: float) -> float:
    if not 0 < share < 1:
        raise ValueError("an objective leaves a budget; expected more than 0% and less than 100%, such as 99.9%")
    # Of what is written in percent, the decimal number that is meant: 0.999 and not the float beside it.
    return round(share, 12)


class BurnEntry(EntryBase):
    """The budget of an objective is used up too fast, over a long and over a short window."""

    key = "burns"

    burns: Name
    objective: Annotated[Share, AfterValidator(_leaves_a_budget)] = Field(description="Share of good ones.")
    rate: Annotated[float, AfterValidator(_in_the_table)] = Field(
        description="How many times faster than allowed: 14.4 (1h and 5m), 6 (6h, 30m), 3 (1d, 2h) or 1 (3d, 6h)."
    )

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.burns,)

    def condition(self, signals: Signals) -> Burn:
        signal, (long, short) = signals[self.burns], WINDOWS[self.rate]
        if signal.measures.dimension is not Dimension.SHARE:
            raise ValueError(f"{self.burns} is no share; expected a share of failures")
        return Burn(
            signal=self.burns,
            objective=self.objective,
            rate=self.rate,
            long=long,
            short=short,
            pace=pace_of(signal),
        )
