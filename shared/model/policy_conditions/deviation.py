"""A deviation as it is written: `{name: dear, deviates: cost_per_job, by: 25%, from: 7d}`, or `from: planned_cost`."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field

from shared.model.conditions.deviation import Deviation, Worse
from shared.model.policy_conditions.entry import EntryBase, Signals
from shared.model.policy_conditions.rate import Rate, Written, amount_of, pace_of
from shared.model.quantity import Duration, parse_duration, say_duration
from shared.model.strict import NAME_PATTERN, Name

_DAYS = (2, 28)


def _days_or_a_name(written: str) -> str:
    if re.fullmatch(NAME_PATTERN, written):
        return written
    days = _days_of(written)
    if not _DAYS[0] <= days <= _DAYS[1]:
        raise ValueError(f"{written!r} is neither; expected whole days from 2d to 28d, or the name of a signal")
    return written


def _days_of(written: str) -> int:
    span = parse_duration(written)
    return span.days if span == timedelta(days=span.days) else 0


class DeviationEntry(EntryBase):
    """A value that is off from what it used to be at this time of day, or from what was planned."""

    key = "deviates"

    deviates: Name
    by: Rate = Field(description="By more than this share of what was expected.")
    expected: Annotated[str, AfterValidator(_days_or_a_name)] = Field(
        alias="from", description="So many days before, or the signal that says what was planned."
    )
    worse: Worse = Field(default=Worse.BOTH, description="Which direction is meant.")
    at_least_by: Written | None = Field(default=None, description="And by more than this amount.")
    over: Duration | None = Field(default=None, description="The mean of this long counts; one hour if not given.")

    @property
    def planned(self) -> str:
        """The signal that says what was planned; empty where it is what used to be."""
        return self.expected if re.fullmatch(NAME_PATTERN, self.expected) else ""

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.deviates, self.planned) if self.planned else (self.deviates,)

    def condition(self, signals: Signals) -> Deviation:
        signal, plan = signals[self.deviates], signals.get(self.planned)
        dimension = signal.measures.dimension
        if plan is not None and plan.measures.dimension is not dimension:
            raise ValueError(f"{self.planned} is of another unit than {self.deviates}; expected the same")
        over = self.over or max(timedelta(hours=1), signal.every)
        if not signal.every <= over <= timedelta(days=1):
            raise ValueError(f"`over` is {say_duration(over)}; expected {say_duration(signal.every)} to 1d")
        return Deviation(
            signal=self.deviates,
            dimension=dimension,
            by=self.by,
            at_least_by=amount_of(self.at_least_by, dimension),
            worse=self.worse,
            over=over,
            days=0 if plan else _days_of(self.expected),
            pace=pace_of(signal),
            planned=self.planned,
            planned_for=plan.patience if plan else timedelta(0),
        )
