"""The kinds of signals that a policy can name, each with its own source.

An unknown key is an error. Values carry units (`quantity.py`).
"""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, Tag, model_validator

from shared.model.policy_verify import Statuses
from shared.model.quantity import Duration, Share, Unit
from shared.model.strict import Name, Path, Rhythm, Strict, named_by_key


class SignalBase(Strict):
    """What every signal has."""

    every: Rhythm = Field(default=timedelta(seconds=10), description="How often it is sampled.")
    delay: Duration = Field(
        default=timedelta(0), description="How far its source lags; newer samples may still change."
    )
    stale_after: Duration | None = Field(
        default=None, description="Blind after this silence; 3 x `every` if not given."
    )
    timeout: Rhythm = Field(default=timedelta(seconds=5), description="How long one collection may take.")

    @property
    def source(self) -> str:
        """The kind of source, which is also the key that names it in the file."""
        raise LookupError("a signal has one of the kinds in `Signal`")

    @property
    def measures(self) -> Unit:
        """The unit that the source delivers."""
        return Unit.NUMBER

    @property
    def patience(self) -> timedelta:
        """Silence after which the signal is stale."""
        return 3 * self.every if self.stale_after is None else self.stale_after


class ProbeSignal(SignalBase):
    """Requests of our own to the site, each on a fresh connection."""

    probe: Path
    share: Literal["failed"] | None = Field(default=None, description="Share of requests that failed.")
    latency: Literal["p50", "p95", "p99", "max"] | None = Field(default=None, description="Latency of the burst.")
    requests: int = Field(default=5, ge=1, le=50, description="Requests in one burst.")
    fails: Statuses = Field(
        default=((500, 599),), description="Statuses that are failures; others from 400 say nothing."
    )

    @property
    def source(self) -> str:
        return "probe"

    @property
    def measures(self) -> Unit:
        return Unit.SHARE if self.share else Unit.MILLISECONDS

    @model_validator(mode="after")
    def _measures_one_thing(self) -> "ProbeSignal":
        if (self.share is None) == (self.latency is None):
            raise ValueError("a probe measures one thing: write either `share: failed` or `latency: p95`")
        return self


class MetricSignal(SignalBase):
    """A platform metric of Azure Monitor; with `per`, the share of one metric in another."""

    metric: str = Field(min_length=1, description="Name of the platform metric, such as Http5xx.")
    per: str | None = Field(default=None, description="Divide by this metric, whose total becomes the count.")
    aggregation: Literal["average", "total", "maximum", "minimum", "count"] = "total"
    namespace: str = "microsoft.web/sites"
    resource: str | None = Field(
        default=None,
        pattern=r"^/subscriptions/[^/]+/resourceGroups/[^/]+/\S+$",
        description="ARM id; the site if not given.",
    )
    unit: Unit = Unit.NUMBER
    every: Rhythm = timedelta(seconds=60)
    delay: Duration = timedelta(seconds=60)

    @property
    def source(self) -> str:
        return "metric"

    @property
    def measures(self) -> Unit:
        return Unit.SHARE if self.per else self.unit


class LogSignal(SignalBase):
    """A Log Analytics query that answers rows of `at`, `value` and `count`."""

    log: str = Field(pattern=r"^[a-z0-9_-]+\.kql$", description="A file in infra/kql/.")
    workspace: str = Field(min_length=1, description="Workspace id (a GUID).")
    unit: Unit = Unit.NUMBER
    every: Rhythm = timedelta(seconds=60)
    delay: Duration = timedelta(minutes=3)
    timeout: Rhythm = timedelta(seconds=15)

    @property
    def source(self) -> str:
        return "log"

    @property
    def measures(self) -> Unit:
        return self.unit


class PushedSignal(SignalBase):
    """Samples that the workload sends itself, by HTTP or by queue."""

    pushed: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,79}$", description="The name it is sent under.")
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
}
Signal = Annotated[
    Annotated[ProbeSignal, Tag("probe")]
    | Annotated[MetricSignal, Tag("metric")]
    | Annotated[LogSignal, Tag("log")]
    | Annotated[PushedSignal, Tag("pushed")]
    | Annotated[AlertSignal, Tag("alert")]
    | Annotated[DamageSignal, Tag("damaged")],
    named_by_key("a signal names exactly one source", _SIGNAL_KINDS),
]
