"""The default judgement, and the latency shift, as they are written.

`{name: judged, judge: [error_rate, p95], falls: [throughput]}` and `{name: slower, slower: p95, by: 20%}`.
"""

from collections import Counter
from typing import Annotated

from pydantic import Field

from shared.model.conditions.judged import Judged, Part
from shared.model.policy_conditions.before import BY, POINTS, BeforeEntry, PartOfIt
from shared.model.policy_conditions.entry import Signals
from shared.model.policy_conditions.rate import pace_of
from shared.model.quantity import Dimension
from shared.model.strict import Name

# What may be spent on one change. A run of values of which each is beyond its bound is rarer than the bound of their
# mean says: quiet watches alarm several times less often than this (docs/detection.md).
_LEVEL = 0.06


class JudgeEntry(BeforeEntry):
    """Whether any of the signals is worse than before, by too much for chance and by enough to matter."""

    key = "judge"

    judge: tuple[Name, ...] = Field(min_length=1, description="Signals of which more is worse.")
    falls: tuple[Name, ...] = Field(default=(), description="Signals of which less is worse, such as throughput.")

    @property
    def inputs(self) -> tuple[str, ...]:
        return self.judge + self.falls

    def condition(self, signals: Signals) -> Judged:
        twice = [name for name, count in Counter(self.inputs).items() if count > 1]
        if twice:
            raise ValueError(f"{twice[0]!r} stands twice; expected each signal once")
        parts = [(name, False) for name in self.judge] + [(name, True) for name in self.falls]
        return Judged(
            parts=tuple(_part(name, falls, signals) for name, falls in parts),
            before=self.before(signals),
            level=_LEVEL,
            by=BY,
            points=POINTS,
        )


class SlowerEntry(BeforeEntry):
    """Whether a latency is higher than before, by too much for chance and by more than it may be."""

    key = "slower"

    slower: Name
    by: Annotated[PartOfIt, Field(description="What matters: this part of what is usual.")] = BY

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.slower,)

    def condition(self, signals: Signals) -> Judged:
        dimension = signals[self.slower].measures.dimension
        if dimension is not Dimension.LATENCY:
            raise ValueError(f"{self.slower!r} is a {dimension}; expected a latency, or `judge: [{self.slower}]`")
        part = _part(self.slower, falls=False, signals=signals)
        return Judged(parts=(part,), before=self.before(signals), level=_LEVEL, by=self.by, points=POINTS)


def _part(name: str, falls: bool, signals: Signals) -> Part:
    signal = signals[name]
    return Part(signal=name, dimension=signal.measures.dimension, falls=falls, pace=pace_of(signal))
