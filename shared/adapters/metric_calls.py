"""Which metrics are read in one call: the fewest calls that Azure Monitor's limits allow.

One call is for one region, subscription and metric namespace, at most 50 resources and 20 metrics.
https://learn.microsoft.com/azure/azure-monitor/essentials/migrate-to-batch-api (batching restrictions)
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import batched, groupby

from shared.model.policy_azure_signals import MetricSignal
from shared.ports import Want

MOST_RESOURCES = 50
MOST_METRICS = 20
# One workload that has much to catch up on must not have everybody's history read with it.
_TOGETHER = timedelta(hours=1)
_ARM_ID = re.compile(r"/subscriptions/([^/]+)/.+", re.IGNORECASE)


@dataclass(frozen=True, slots=True, order=True)
class Call:
    """What must be the same for signals to share a call; `alone` is set for what is known to spoil it for others."""

    region: str
    subscription: str
    namespace: str
    where: str
    timeout: timedelta
    behind: bool
    alone: str


def metric_of(want: Want) -> MetricSignal:
    """Return the signal of a want that is for a metric."""
    if not isinstance(want.signal, MetricSignal):
        raise TypeError(f"{want.name} is no metric")
    return want.signal


def resource_of(want: Want) -> str:
    """Return the ARM id that a metric is read of."""
    return (metric_of(want).resource or want.policy.site.resource).rstrip("/")


def subscription_of(resource: str) -> str:
    """Return the subscription in an ARM id; empty when it is none."""
    found = _ARM_ID.fullmatch(resource)
    return found[1].casefold() if found else ""


def region_of(want: Want) -> str:
    """Return the region of a metric's resource."""
    return metric_of(want).region or want.policy.site.region


def metrics_of(wants: Iterable[Want]) -> list[str]:
    """Return the names of all metrics that are wanted, each once: Azure Monitor does not look at case."""
    return sorted({name.casefold(): name for want in wants for name in metric_of(want).metrics}.values())


def identity_of(want: Want) -> str:
    """Tell which metrics of which resource a want is for."""
    return f"{resource_of(want)} {' '.join(metric_of(want).metrics)}".casefold()


def filter_of(signal: MetricSignal) -> str:
    """Return the filter that keeps the given values of dimensions, and empty without any.

    A quotation mark in a value is doubled, as OData has it.
    """
    return " and ".join(
        "(" + " or ".join(f"{name} eq '{_quoted(value)}'" for value in _values(kept)) + ")"
        if len(_values(kept)) > 1
        else f"{name} eq '{_quoted(_values(kept)[0])}'"
        for name, kept in sorted(signal.where.items())
    )


def _values(kept: str | tuple[str, ...]) -> tuple[str, ...]:
    return (kept,) if isinstance(kept, str) else kept


def _quoted(value: str) -> str:
    return value.replace("'", "''")


def calls_for(wants: Sequence[Want], alone: Collection[str]) -> Iterator[tuple[Want, ...]]:
    """Yield the wants call by call; in each they stand by metric, then by resource."""
    newest = max((want.since for want in wants), default=None)
    if newest is None:
        return
    ordered = sorted(wants, key=lambda want: (_call(want, newest, alone), resource_of(want).casefold()))
    for _, group in groupby(ordered, key=lambda want: _call(want, newest, alone)):
        by_resource = [tuple(some) for _, some in groupby(group, key=lambda want: resource_of(want).casefold())]
        for some in batched(by_resource, MOST_RESOURCES, strict=False):
            yield from _by_metric(sorted((want for each in some for want in each), key=_by_name))


def _by_name(want: Want) -> tuple[tuple[str, ...], str]:
    return metric_of(want).metrics, resource_of(want).casefold()


def _by_metric(wants: Sequence[Want]) -> Iterator[tuple[Want, ...]]:
    """Split where there are more metrics than a call takes."""
    begun: list[Want] = []
    for want in wants:
        if len(metrics_of([*begun, want])) > MOST_METRICS:
            yield tuple(begun)
            begun = []
        begun.append(want)
    yield tuple(begun)


def _call(want: Want, newest: datetime, alone: Collection[str]) -> Call:
    signal, identity = metric_of(want), identity_of(want)
    return Call(
        region=region_of(want).casefold(),
        subscription=subscription_of(resource_of(want)),
        namespace=signal.of_namespace.casefold(),
        where=filter_of(signal),
        timeout=signal.timeout,
        behind=newest - want.since > _TOGETHER,
        alone=identity if identity in alone else "",
    )
