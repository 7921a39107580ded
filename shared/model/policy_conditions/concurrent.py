"""Two builds or slots side by side as it is written: `{name: canary, worse: canary_p95, than: stable_p95, by: 10%}`."""

from typing import Annotated

from pydantic import Field

from shared.model.conditions.concurrent import Concurrent
from shared.model.policy_conditions.before import BESIDE, POINTS, BeforeEntry, PartOfIt
from shared.model.policy_conditions.entry import Signals
from shared.model.quantity import Dimension
from shared.model.strict import Name

_LEVEL = 0.01


class ConcurrentEntry(BeforeEntry):
    """Whether the samples of one signal are worse than those of another in the same time."""

    key = "worse"

    worse: Name
    than: Name
    falls: bool = Field(default=False, strict=True, description="Less is worse; else more.")
    by: Annotated[
        PartOfIt | None,
        Field(description="The medians lie this part of the other's apart; of a share, this much of all."),
    ] = None

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.worse, self.than)

    def condition(self, signals: Signals) -> Concurrent:
        if self.worse == self.than:
            raise ValueError(f"{self.worse!r} is compared with itself; expected two signals")
        dimension, other = (signals[name].measures.dimension for name in self.inputs)
        if dimension is not other:
            raise ValueError(f"{self.worse!r} is a {dimension} and {self.than!r} is a {other}; expected the same")
        usual_by = POINTS if dimension is Dimension.SHARE else BESIDE
        return Concurrent(
            signal=self.worse,
            other=self.than,
            dimension=dimension,
            falls=self.falls,
            by=usual_by if self.by is None else self.by,
            level=_LEVEL,
            before=self.before(signals),
        )
