"""An anomaly as it is written: `{name: odd, anomaly: p95, sigmas: 3, worse: up, baseline: 24h}`."""

from typing import Annotated

from pydantic import Field

from shared.model.conditions.anomaly import Anomaly
from shared.model.conditions.deviation import Worse
from shared.model.policy_conditions.before import BY, POINTS, BeforeEntry, PartOfIt
from shared.model.policy_conditions.entry import Signals
from shared.model.quantity import Dimension
from shared.model.strict import Name


class AnomalyEntry(BeforeEntry):
    """One value far from what is usual."""

    key = "anomaly"

    anomaly: Name
    sigmas: float = Field(default=3.0, ge=1, le=20, description="Robust standard deviations that are still usual.")
    worse: Worse = Field(default=Worse.BOTH, description="Which direction is meant.")
    by: Annotated[
        PartOfIt | None,
        Field(description="And by this part of what is usual; of a share, this much of all. 20%, and 0.3% of a share."),
    ] = None

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.anomaly,)

    def condition(self, signals: Signals) -> Anomaly:
        dimension = signals[self.anomaly].measures.dimension
        usual_by = POINTS if dimension is Dimension.SHARE else BY
        return Anomaly(
            signal=self.anomaly,
            dimension=dimension,
            worse=self.worse,
            sigmas=self.sigmas,
            by=usual_by if self.by is None else self.by,
            before=self.before(signals),
        )
