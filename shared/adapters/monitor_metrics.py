"""Platform metrics through the metrics data plane of Azure Monitor: one call for up to 50 sites of a region.

https://learn.microsoft.com/rest/api/monitor/metrics-batch/batch
"""

import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import batched, groupby
from typing import TYPE_CHECKING

from shared.adapters.azure_clients import credential, policies_for
from shared.adapters.azure_errors import translated
from shared.adapters.one_per_key import OnePerKey
from shared.errors import PermanentError
from shared.model.policy_signals import MetricSignal
from shared.model.signal import Sample, failed, measured, no_data
from shared.ports import Collected, Job, Want

if TYPE_CHECKING:
    from azure.monitor.querymetrics import MetricsClient, MetricsQueryResult

_PUBLIC_AUDIENCE = "https://metrics.monitor.azure.com"
_ARM_ID = re.compile(r"/subscriptions/([^/]+)/.+", re.IGNORECASE)
_METRIC_OF = "/providers/microsoft.insights/"
_MOST_RESOURCES = 50
_GRAIN = timedelta(minutes=1)  # the finest that platform metrics have
Points = Mapping[datetime, float]


class MetricSource:
    """Fulfils `ports.SampleSource`."""

    def __init__(self, endpoint: str, client_id: str | None, audience: str = _PUBLIC_AUDIENCE) -> None:
        """`endpoint` holds `{region}`, because every region has its own; `audience` is whom its tokens are for."""
        self._endpoint = endpoint
        self._audience = audience
        self._client_id = client_id
        self._clients = OnePerKey(self._new_client)

    def jobs(self, wants: Sequence[Want]) -> list[Job]:
        ordered = sorted(wants, key=_call)
        return [
            Job(wants=some, timeout=some[0].signal.timeout, run=partial(self._run, some))
            for _, group in groupby(ordered, key=_call)
            for some in batched(group, _MOST_RESOURCES, strict=False)
        ]

    def _run(self, wants: tuple[Want, ...], now: datetime) -> list[Collected]:
        signal = _metric(wants[0])
        names = [signal.metric, *([signal.per] if signal.per else [])]
        resources = sorted({_resource(want) for want in wants})
        if not all(map(_subscription, resources)):
            raise PermanentError(f"{resources[0][:80]!r} is no ARM id; expected /subscriptions/...")
        with translated(f"reading metric {signal.metric}"):
            results = self._clients[wants[0].policy.site.region].query_resources(
                resource_ids=resources,
                metric_namespace=signal.namespace,
                metric_names=names,
                timespan=(min(want.since for want in wants), now),
                granularity=_GRAIN,
                aggregations=[signal.aggregation],
                retry_total=0,
                connection_timeout=5,
                read_timeout=signal.timeout.total_seconds(),
            )
            by_resource = {_resource_of(result): result for result in results}
            return [_collected(want, by_resource.get(_resource(want).casefold()), now) for want in wants]

    def _new_client(self, region: str) -> "MetricsClient":
        from azure.monitor.querymetrics import MetricsClient

        endpoint = self._endpoint.format(region=region)
        return MetricsClient(
            endpoint, credential(self._client_id), audience=self._audience, per_call_policies=policies_for(endpoint)
        )


def _metric(want: Want) -> MetricSignal:
    if not isinstance(want.signal, MetricSignal):
        raise TypeError(f"{want.name} is no metric")
    return want.signal


def _resource(want: Want) -> str:
    return (_metric(want).resource or want.policy.site.resource).rstrip("/")


def _subscription(resource: str) -> str:
    """Return the subscription in an ARM id; empty when it is none."""
    found = _ARM_ID.fullmatch(resource)
    return found[1].casefold() if found else ""


def _resource_of(result: "MetricsQueryResult") -> str:
    """Return which resource a result speaks of: results come in any order, and not for every resource."""
    ids = [metric.id for metric in result.metrics]
    return ids[0].casefold().rpartition(_METRIC_OF)[0] if ids else ""


def _call(want: Want) -> tuple[str, ...]:
    """What must be the same for two signals to share a call."""
    signal = _metric(want)
    shape = (signal.namespace, signal.metric, signal.per or "", signal.aggregation, str(signal.timeout))
    return (want.policy.site.region, _subscription(_resource(want)), *shape)


def _collected(want: Want, result: "MetricsQueryResult | None", now: datetime) -> Collected:
    signal = _metric(want)
    found = {metric.name.casefold(): metric for metric in (result.metrics if result else [])}
    values = _points(found.get(signal.metric.casefold()), signal.aggregation)
    bases = _points(found.get(signal.per.casefold()), signal.aggregation) if signal.per else None
    samples = tuple(sample for at, value in values.items() if (sample := _sample(signal, at, value, bases)).at <= now)
    nothing = no_data(now, f"Azure Monitor has no {signal.metric} for this time")
    return Collected(workload=want.policy.workload, name=want.name, samples=samples or (nothing,))


def _points(metric: object, aggregation: str) -> Points:
    """Return the values of a metric by the start of their minute; a minute without a value is left out."""
    series = getattr(metric, "timeseries", None) or []
    return {
        point.timestamp: float(value)
        for point in (series[0].data if series else [])
        if (value := getattr(point, aggregation)) is not None
    }


def _sample(signal: MetricSignal, minute: datetime, value: float, bases: Points | None) -> Sample:
    """Return the sample of one minute; its event time is the minute's end."""
    at = minute + _GRAIN
    if bases is None:
        return measured(at, signal.unit.canonical(value))
    base = bases.get(minute)
    if not base:
        return no_data(at, f"no {signal.per} in this minute")
    if not math.isfinite(base):
        return failed(at, f"Azure Monitor says that {signal.per} is {base}, which is no number")
    return measured(at, value / base, int(base))
