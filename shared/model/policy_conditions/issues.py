"""Counted issues as they are written: `{issues: [error_rate > 5%, p95 > 2s, availability < 99%], count: 2}`."""

import math
from collections.abc import Iterator
from decimal import Decimal

from pydantic import Field, model_validator

from shared.model.conditions.issues import Issue, Issues
from shared.model.policy_conditions.comparison import Comparison, bound_of, parts_of
from shared.model.policy_conditions.entry import EntryBase, Signals
from shared.model.quantity import Share


class IssuesEntry(EntryBase):
    """So many of the issues, or such a share of them, are there at once."""

    key = "issues"

    issues: tuple[Comparison, ...] = Field(min_length=2, max_length=20, description="What may be wrong.")
    count: int | None = Field(default=None, ge=1, description="How many of them it takes; this or `share`.")
    share: Share | None = Field(default=None, gt=0, description="Which share of them it takes; this or `count`.")

    @property
    def inputs(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(parts_of(written).signal for written in self.issues))

    def condition(self, signals: Signals) -> Issues:
        return Issues(issues=tuple(_issue(written, signals) for written in self.issues), least=self._least)

    def problems(self, signals: Signals) -> Iterator[tuple[str, str]]:
        yield from super().problems(signals)
        if self._least > len(self.issues):
            yield "count", f"there are {len(self.issues)} issues; expected no more than that"

    @model_validator(mode="after")
    def _takes_so_many(self) -> "IssuesEntry":
        if (self.count is None) == (self.share is None):
            raise ValueError("how many issues does it take: write either `count: 2` or `share: 50%`")
        return self

    @property
    def _least(self) -> int:
        if self.share is None:
            return self.count or 1
        return math.ceil(Decimal(repr(self.share)) * len(self.issues))


def _issue(written: str, signals: Signals) -> Issue:
    signal = signals[parts_of(written).signal]
    return Issue(parts_of(written).signal, signal.measures.dimension, bound_of(written, signals), signal.patience)
