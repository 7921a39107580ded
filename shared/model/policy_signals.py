"""The kinds of signals that a policy can name, each with its own source.

An unknown key is an error. Values carry units (`quantity.py`).
"""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, Tag, model_validator

from shared.model.policy_azure_signals import CostSignal, LogSignal, MetricSignal, ResourceHealthSignal
from shared.model.policy_derived import AverageSignal, LargestSignal, RatioSignal, ScoreSignal, SmallestSignal
from shared.model.policy_outside_signals import PUSHED_PATTERN, EventSignal, PromqlSignal, SmokeSignal, SqlSignal
from shared.model.policy_signal_base import SignalBase
from shared.model.policy_verify import Statuses
from shared.model.quantity import Duration, Share, Unit
from shared.model.strict import Name, Path, Rhythm, named_by_key

_ONE_THING = (
    "a probe measures one thing: write either `share: failed` or one of `latency: p95`, `dependencies: down`, "
    "`dependency: name`"
)


class ProbeSignal(SignalBase):
    """Requests of our own to the site, each on a fresh connection."""

    probe: Path
    share: Literal["failed"] | None = Field(default=None, description="Share of requests that failed.")
    latency: Literal["p50", "p95", "p99", "max"] | None = Field(default=None, description="Latency of the burst.")
    dependencies: Literal["down"] | None = Field(
        default=None, description="Share of the dependencies that the JSON answer names which are down."
    )
    dependency: str | None = Field(
        default=None, min_length=1, max_length=80, description="One of them: 1 while it is up, 0 when it is down."
    )
    requests: int = Field(default=5, ge=1, le=50, description="Requests in one burst.")
    fails: Statuses = Field(
        default=((500, 599),), description="Statuses that are failures; others from 400 say nothing."
    )

    @property
    def source(self) -> str:
        return "probe"

    @property
    def measures(self) -> Unit:
        if self.share or self.dependencies:
            return Unit.SHARE
        return Unit.MILLISECONDS if self.latency else Unit.NUMBER

    @property
    def question(self) -> str:
        return "dependencies" if self.of_dependencies else self.source

    @property
    def of_dependencies(self) -> bool:
        """It reads what one answer says of the dependencies, and not how a burst was answered."""
        return self.dependencies is not None or self.dependency is not None

    @model_validator(mode="after")
    def _measures_one_thing(self) -> "ProbeSignal":
        if [self.share, self.latency, self.dependencies, self.dependency].count(None) != 3:
            raise ValueError(_ONE_THING)
        return self


class PushedSignal(SignalBase):
    """Samples that the workload sends itself, by HTTP or by queue."""

    pushed: str = Field(pattern=PUSHED_PATTERN, description="The name it is sent under.")
    unit: Unit = Unit.NUMBER
    scale: tuple[float, float] | None = Field(default=None, description="Lowest and highest possible value.")
    every: Rhythm = timedelta(seconds=60)

    @property
    def source(self) -> str:
        return "pushed"

    @property
    def measures(self) -> Unit:
        return self.unit


class AlertSignal(SignalBase):
    """An alert rule of Azure Monitor: 1 while it is fired, 0 once it is resolved."""

    alert: str = Field(min_length=1, description="Name of the alert rule.")
    every: Rhythm = timedelta(minutes=5)
    stale_after: Duration | None = Field(
        default=timedelta(minutes=30),
        description="A fired alert counts for this long: `Resolved` may never come.",
    )

    @property
    def source(self) -> str:
        return "alert"

    @property
    def speaks_seldom(self) -> bool:
        return True


class DamageSignal(SignalBase):
    """Rows of a database that differ between its sides though nobody wrote them since the change began."""

    damaged: Name = Field(description="A name of `databases`.")
    sample: Share = Field(default=0.01, gt=0, description="Share of each table that is compared in one round.")
    every: Rhythm = timedelta(seconds=60)
    timeout: Rhythm = timedelta(seconds=20)

    @property
    def source(self) -> str:
        return "damaged"


_SIGNAL_KINDS: dict[str, type[SignalBase]] = {
    "probe": ProbeSignal,
    "metric": MetricSignal,
    "log": LogSignal,
    "pushed": PushedSignal,
    "alert": AlertSignal,
    "damaged": DamageSignal,
    "promql": PromqlSignal,
    "smoke": SmokeSignal,
    "sql": SqlSignal,
    "event": EventSignal,
    "cost": CostSignal,
    "resource_health": ResourceHealthSignal,
    "score": ScoreSignal,
    "larger_of": LargestSignal,
    "smaller_of": SmallestSignal,
    "average_of": AverageSignal,
    "ratio": RatioSignal,
}
Signal = Annotated[
    Annotated[ProbeSignal, Tag("probe")]
    | Annotated[MetricSignal, Tag("metric")]
    | Annotated[LogSignal, Tag("log")]
    | Annotated[PushedSignal, Tag("pushed")]
    | Annotated[AlertSignal, Tag("alert")]
    | Annotated[DamageSignal, Tag("damaged")]
    | Annotated[PromqlSignal, Tag("promql")]
    | Annotated[SmokeSignal, Tag("smoke")]
    | Annotated[SqlSignal, Tag("sql")]
    | Annotated[EventSignal, Tag("event")]
    | Annotated[CostSignal, Tag("cost")]
    | Annotated[ResourceHealthSignal, Tag("resource_health")]
    | Annotated[ScoreSignal, Tag("score")]
    | Annotated[LargestSignal, Tag("larger_of")]
    | Annotated[SmallestSignal, Tag("smaller_of")]
    | Annotated[AverageSignal, Tag("average_of")]
    | Annotated[RatioSignal, Tag("ratio")],
    named_by_key("a signal names exactly one source", _SIGNAL_KINDS),
]
