"""Windows as they are written: `{when: exceptions > 10, pool: sum, over: 10m}`, and how often something happened."""

import re
from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from shared.model.conditions.condition import Condition
from shared.model.conditions.pooled import Often, Pooled, Pooling
from shared.model.conditions.threshold import Threshold
from shared.model.policy_conditions.comparison import Comparison, Limit, bound_of, parts_of, plain_bound_of
from shared.model.policy_conditions.entry import EntryBase, Signals
from shared.model.policy_conditions.threshold import clearing_of, clears_problems
from shared.model.quantity import Dimension, say_duration
from shared.model.strict import Rhythm
from shared.model.trigger import Bound, Comparator, NoData

_OFTEN = re.compile(r"(?P<side>more than|at least)\s+(?P<number>\d{1,6})(?:\s+(?:samples|times))?", re.ASCII)
_MOST = 100_000


class _WindowEntry(EntryBase):
    """What looks at a trailing window of one signal."""

    key = "when"

    when: Comparison
    over: Rhythm = Field(description="Length of the trailing window.")

    @property
    def inputs(self) -> tuple[str, ...]:
        return (parts_of(self.when).signal,)

    def problems(self, signals: Signals) -> Iterator[tuple[str, str]]:
        yield from super().problems(signals)
        every = signals[self.inputs[0]].every
        if self.over < every:
            yield "over", f"shorter than the signal's own rhythm; expected at least {say_duration(every)}"


class PooledEntry(_WindowEntry):
    """The sum, count, mean or extreme of a window is beyond a threshold."""

    pool: Literal["sum", "count", "max", "min", "average"] = Field(
        description="What the window is turned into; `count` is of the observations behind its samples."
    )
    clears: Limit | None = Field(
        default=None, description="What fires goes on firing until the number is back at, or beyond, this."
    )

    def condition(self, signals: Signals) -> Condition:
        (name,), bound = self.inputs, self._bound(signals)
        dimension = Dimension.NUMBER if self.pool == "count" else signals[name].measures.dimension
        if self.pool == "average":
            return Threshold(
                signal=name,
                dimension=dimension,
                comparator=bound.comparator,
                threshold=bound.value,
                over=self.over,
                volume=self.at_least,
            )
        return Pooled(
            signal=name,
            dimension=dimension,
            comparator=bound.comparator,
            threshold=bound.value,
            how=Pooling(self.pool),
            over=self.over,
            gap=self.gap(signals),
            sparse=self.silence(signals) is NoData.HOLD,
        )

    def clearing(self, signals: Signals) -> Bound | None:
        if self.clears is None:
            return None
        if self.pool == "count":
            compared = parts_of(self.when)
            return plain_bound_of(f"{compared.signal} {compared.comparator} {self.clears}")
        return clearing_of(self.when, self.clears, signals)

    def problems(self, signals: Signals) -> Iterator[tuple[str, str]]:
        yield from super().problems(signals)
        if self.pool == "sum" and signals[self.inputs[0]].measures.dimension is Dimension.SHARE:
            yield "pool", "shares are not added up; expected `pool: average`"
        if self.pool in ("sum", "count") and self.silence(signals) is NoData.HOLD and self._looks_down:
            yield "when", "silence alone would fire this; expected `>` or `>=`, or a trigger with `silent`"
        yield from clears_problems(self.clears, self._bound, self.clearing, signals)

    @property
    def _looks_down(self) -> bool:
        return parts_of(self.when).comparator in (Comparator.BELOW, Comparator.AT_MOST)

    def _bound(self, signals: Signals) -> Bound:
        """What is added up or counted may exceed what one sample can be."""
        if self.pool in ("sum", "count"):
            dimension = Dimension.NUMBER if self.pool == "count" else signals[self.inputs[0]].measures.dimension
            return plain_bound_of(self.when, dimension)
        return bound_of(self.when, signals)


class OftenEntry(_WindowEntry):
    """So many samples of a window are beyond a threshold, each by itself."""

    often: str = Field(
        pattern=r"^\s*(more than|at least)\s+\d{1,6}(\s+(samples|times))?\s*$", description="more than 5, or at least 6"
    )

    def condition(self, signals: Signals) -> Often:
        bound, (name,) = bound_of(self.when, signals), self.inputs
        return Often(
            signal=name,
            dimension=signals[name].measures.dimension,
            comparator=bound.comparator,
            threshold=bound.value,
            least=self._least,
            over=self.over,
            gap=self.gap(signals),
            sparse=self.silence(signals) is NoData.HOLD,
        )

    def problems(self, signals: Signals) -> Iterator[tuple[str, str]]:
        yield from super().problems(signals)
        if not 1 <= self._least <= _MOST:
            yield "often", f"{self.often!r} can never or always hold; expected at least 1, and no more than {_MOST:,}"

    @property
    def _least(self) -> int:
        found = _OFTEN.fullmatch(self.often.strip())
        return int(found["number"]) + (found["side"] == "more than") if found else 0
