"""Signals from Azure's own sources: platform metrics, Log Analytics, Cost Management, Resource Health."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from shared.model.policy_signal_base import SignalBase
from shared.model.quantity import Duration, Unit
from shared.model.strict import Name, Rhythm

SITE = "site"
_SITES = "microsoft.web/sites"
_RESOURCE_PATTERN = r"^/subscriptions/[^/]+/resourceGroups/[^/]+/providers/[^/]+(/[^/\s]+/[^/\s]+)+$"
_ID_PATTERN = r"/subscriptions/[^/\s]+(/resourceGroups/[^/\s]+)?"
_DAY = timedelta(days=1)
_RESOURCE = re.compile(_RESOURCE_PATTERN, re.IGNORECASE)
_DIMENSION = r"^[A-Za-z][A-Za-z0-9_ .-]{0,79}$"
# A quotation mark is doubled in the filter; brackets would have to be encoded twice (README of the SDK): left out.
_DIMENSION_VALUE = r"^[^()\x00-\x1f]{1,200}$"

Dimension = Annotated[str, StringConstraints(pattern=_DIMENSION)]
DimensionValue = Annotated[str, StringConstraints(pattern=_DIMENSION_VALUE)]


def type_of(resource: str) -> str:
    """Return the type of an ARM resource in lower case, such as `microsoft.web/sites/slots`; empty for no such id."""
    if not _RESOURCE.fullmatch(resource):
        return ""
    _, _, path = resource.lower().rpartition("/providers/")
    provider, *pairs = path.split("/")
    return "/".join((provider, *pairs[::2]))


class MetricSignal(SignalBase):
    """A platform metric of Azure Monitor; with `per`, the share of one metric in another."""

    metric: str = Field(min_length=1, description="Name of the platform metric, such as Http5xx.")
    per: str | None = Field(default=None, description="Divide by this metric, whose total becomes the count.")
    aggregation: Literal["average", "total", "maximum", "minimum", "count"] = "total"
    namespace: str = Field(default="", description="Metric namespace; the type of the resource if not given.")
    resource: str | None = Field(default=None, pattern=_RESOURCE_PATTERN, description="ARM id; the site if not given.")
    region: str = Field(default="", description="Region of `resource`; that of the site if not given.")
    where: Mapping[Dimension, DimensionValue | tuple[DimensionValue, ...]] = Field(
        default={}, description="Only these values of its dimensions, added up: `{Instance: [a, b]}`."
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

    @property
    def metrics(self) -> tuple[str, ...]:
        """The platform metrics that it is made of."""
        return (self.metric, self.per) if self.per else (self.metric,)

    @property
    def of_namespace(self) -> str:
        """The namespace that its metrics are read from."""
        return self.namespace or (type_of(self.resource) if self.resource else _SITES)


class LogSignal(SignalBase):
    """A Log Analytics query that answers rows of `at`, `value` and `count`."""

    log: str = Field(pattern=r"^[a-z0-9_-]+\.kql$", description="A file in infra/kql/.")
    workspace: str = Field(min_length=1, description="Workspace id (a GUID).")
    values: dict[Name, str | int | float | bool] = Field(
        default={}, alias="with", description="Values of the parameters that the file declares."
    )
    unit: Unit = Unit.NUMBER
    every: Rhythm = timedelta(seconds=60)
    delay: Duration = timedelta(minutes=3)
    timeout: Rhythm = timedelta(seconds=15)

    @property
    def source(self) -> str:
        return "log"

    @property
    def place(self) -> str:
        return self.workspace

    @property
    def measures(self) -> Unit:
        return self.unit


def _a_scope(scope: str) -> str:
    if not re.fullmatch(_ID_PATTERN, scope, re.IGNORECASE):
        raise ValueError(f"{scope[:200]!r} is neither a subscription nor a resource group, as an ARM id")
    return scope


class CostSignal(SignalBase):
    """What a subscription or a resource group cost, by whole day of UTC.

    Cost Management knows of a day some hours after its end and is asked as rarely as can be: it answers few questions.
    """

    cost: Annotated[str, AfterValidator(_a_scope)] = Field(description="ARM id of a subscription or resource group.")
    currency: str = Field(
        pattern=r"^[A-Z]{3}$", description="The currency of the bill, such as EUR; another is refused."
    )
    spread: bool = Field(default=False, description="Reservations are spread over their time (amortized cost).")
    every: Annotated[Duration, Field(ge=timedelta(hours=6))] = timedelta(hours=12)
    delay: Duration = timedelta(hours=24)
    stale_after: Duration | None = timedelta(hours=48)
    timeout: Rhythm = timedelta(seconds=20)

    @property
    def source(self) -> str:
        return "cost"

    @property
    def place(self) -> str:
        return self.cost.casefold()

    @property
    def apart(self) -> timedelta:
        return max(_DAY, self.every)


def _a_resource(resource: str) -> str:
    if resource != SITE and not type_of(resource):
        raise ValueError(f"{resource[:200]!r} is no ARM id of a resource; expected one, or `site`")
    return resource


class ResourceHealthSignal(SignalBase):
    """What Azure says of a resource's health: 1 while it is available, 0.5 while degraded, 0 while unavailable."""

    resource_health: Annotated[str, AfterValidator(_a_resource)] = Field(description="`site`, or an ARM id.")
    every: Rhythm = timedelta(seconds=60)

    @property
    def source(self) -> str:
        return "resource_health"
