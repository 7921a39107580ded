"""Platform metrics through the metrics data plane of Azure Monitor: many resources and many metrics in one call.

A call is refused as a whole for one metric that the type does not have, or one resource that is gone. It is asked again
in halves then, until whoever is to blame stands alone, and is asked alone from then on. This process alone knows who
that is: losing it costs such a round.
https://learn.microsoft.com/rest/api/monitor/metrics-batch/batch
"""

import math
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any

from shared.adapters.azure_clients import credential, policies_for
from shared.adapters.azure_errors import translate, translated
from shared.adapters.metric_calls import (
    calls_for,
    filter_of,
    identity_of,
    metric_of,
    metrics_of,
    region_of,
    resource_of,
    subscription_of,
)
from shared.adapters.one_per_key import OnePerKey
from shared.errors import ControllerError, PermanentError, TransientError
from shared.model.policy_azure_signals import MetricSignal
from shared.model.quantity import Unit
from shared.model.signal import MOST_SAMPLES, Sample, failed, measured, no_data
from shared.ports import Collected, Job, Want

if TYPE_CHECKING:
    from azure.monitor.querymetrics import Metric, MetricsClient, MetricsQueryResult

_PUBLIC_AUDIENCE = "https://metrics.monitor.azure.com"
_METRIC_OF = "/providers/microsoft.insights/"
_GRAIN = timedelta(minutes=1)  # the finest that platform metrics have
_FURTHEST_BACK = MOST_SAMPLES * _GRAIN  # more is not kept
_REFUSALS = frozenset({400, 404})  # of one metric or one resource among all; 401 and 403 are about all of them
_MOST_CALLS = 16
# Ten series is what a call with a filter answers if not told otherwise; rolled up, there is one of each resource.
_MOST_SERIES = 1000
_TOLD_IN = {
    "seconds": Unit.SECONDS,
    "milliseconds": Unit.MILLISECONDS,
    "percent": Unit.PERCENT,
    "bytes": Unit.BYTES,
}
Points = Mapping[datetime, float]


class RefusedWhole(PermanentError):
    """One of what was asked for is not there, and nothing was told of the others."""


class MetricSource:
    """Fulfils `ports.SampleSource`."""

    def __init__(self, endpoint: str, client_id: str | None, audience: str = _PUBLIC_AUDIENCE) -> None:
        """`endpoint` holds `{region}`, because every region has its own; `audience` is whom its tokens are for."""
        self._endpoint = endpoint
        self._audience = audience
        self._client_id = client_id
        self._clients = OnePerKey(self._new_client)
        self._alone: set[str] = set()

    def jobs(self, wants: Sequence[Want]) -> list[Job]:
        return [
            Job(wants=some, timeout=some[0].signal.timeout, run=partial(self._run, some))
            for some in calls_for(wants, frozenset(self._alone))
        ]

    def _run(self, wants: tuple[Want, ...], now: datetime) -> list[Collected]:
        strange = next((one for one in map(resource_of, wants) if not subscription_of(one)), None)
        if strange is not None:
            raise PermanentError(f"{strange[:80]!r} is no ARM id; expected /subscriptions/...")
        budget, found, groups = _Budget(metric_of(wants[0]).timeout), list[Collected](), deque([wants])
        while groups:
            group = groups.popleft()
            try:
                found += self._answer(group, now, budget.take())
            except ControllerError as error:
                halves = _halves(group) if isinstance(error, RefusedWhole) else []
                groups.extend(halves)
                found += [] if halves else self._refused(group, wants, now, error)
            else:
                self._alone -= {identity_of(want) for want in group}
        return found

    def _refused(
        self, group: Sequence[Want], all_of_them: Sequence[Want], now: datetime, error: ControllerError
    ) -> list[Collected]:
        if isinstance(error, RefusedWhole):
            self._alone |= {identity_of(want) for want in group}
        if group is all_of_them:
            raise error
        sample = failed(now, str(error))
        return [Collected(workload=want.policy.workload, name=want.name, samples=(sample,)) for want in group]

    def _answer(self, wants: Sequence[Want], now: datetime, timeout: timedelta) -> list[Collected]:
        names = metrics_of(wants)
        with translated(_reading(names)):
            results = self._query(wants, names, now, timeout)
            by_resource = {_resource_told(result): result for result in results}
            return [_collected(want, by_resource.get(resource_of(want).casefold()), now) for want in wants]

    def _query(
        self, wants: Sequence[Want], names: list[str], now: datetime, timeout: timedelta
    ) -> "list[MetricsQueryResult]":
        from azure.core.exceptions import HttpResponseError

        signals = [metric_of(want) for want in wants]
        since = max(min(want.since for want in wants), now - _FURTHEST_BACK).replace(second=0, microsecond=0)
        try:
            return self._clients[region_of(wants[0])].query_resources(
                resource_ids=sorted({resource_of(want).casefold(): resource_of(want) for want in wants}.values()),
                metric_namespace=signals[0].of_namespace,
                metric_names=names,
                timespan=(since, now),
                granularity=_GRAIN,
                aggregations=sorted({signal.aggregation for signal in signals}),
                **_of_dimensions(signals[0]),
                retry_total=0,
                connection_timeout=min(5, timeout.total_seconds()),
                read_timeout=timeout.total_seconds(),
            )
        except HttpResponseError as error:
            if error.status_code in _REFUSALS:
                raise RefusedWhole(str(translate(_reading(names), error))) from None
            raise

    def _new_client(self, region: str) -> "MetricsClient":
        from azure.monitor.querymetrics import MetricsClient

        endpoint = self._endpoint.format(region=region)
        return MetricsClient(
            endpoint, credential(self._client_id), audience=self._audience, per_call_policies=policies_for(endpoint)
        )


class _Budget:
    """Time and calls that a job has: finding out who is to blame must not take longer than an answer may."""

    def __init__(self, timeout: timedelta) -> None:
        self._until = monotonic() + timeout.total_seconds()
        self._calls = _MOST_CALLS

    def take(self) -> timedelta:
        """Return the time that is left for one more call.

        Raises:
            TransientError: there is none.
        """
        left = timedelta(seconds=self._until - monotonic())
        if left <= timedelta(0) or not self._calls:
            raise TransientError("a metric beside this one was refused, and there was no time left to ask without it")
        self._calls -= 1
        return left


def _reading(names: Sequence[str]) -> str:
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"reading metric {names[0]}{more}"


def _halves(wants: Sequence[Want]) -> list[tuple[Want, ...]]:
    """Split by metric as long as there are several, then by resource; nothing when it can be split no further.

    A metric that is misspelt in the policies of all workloads then stands alone after a few calls.
    """
    for part in (lambda want: metric_of(want).metrics, lambda want: resource_of(want).casefold()):
        parts = sorted({part(want) for want in wants})
        if len(parts) > 1:
            first = set(parts[: len(parts) // 2])
            halves = [[want for want in wants if (part(want) in first) is kept] for kept in (True, False)]
            return [tuple(half) for half in halves]
    return []


def _of_dimensions(signal: MetricSignal) -> dict[str, Any]:
    if not signal.where:
        return {}
    return {"filter": filter_of(signal), "roll_up_by": ",".join(sorted(signal.where)), "max_results": _MOST_SERIES}


def _resource_told(result: "MetricsQueryResult") -> str:
    """Return which resource a result speaks of: results come in any order, and not for every resource."""
    ids = [metric.id for metric in result.metrics]
    return ids[0].casefold().rpartition(_METRIC_OF)[0] if ids else ""


def _collected(want: Want, result: "MetricsQueryResult | None", now: datetime) -> Collected:
    signal = metric_of(want)
    found = {metric.name.casefold(): metric for metric in (result.metrics if result else [])}
    told = [found[name.casefold()] for name in signal.metrics if name.casefold() in found]
    wrong = next((why for metric in told if (why := _why_no_use(signal, metric))), None)
    samples = (failed(now, wrong),) if wrong else tuple(one for one in _samples(signal, found) if one.at <= now)
    nothing = no_data(now, f"Azure Monitor has no {signal.metric} for this time")
    return Collected(workload=want.policy.workload, name=want.name, samples=samples or (nothing,))


def _why_no_use(signal: MetricSignal, metric: "Metric") -> str | None:
    """Return why the values of a metric must not be taken for those of the signal, or `None`."""
    if len(metric.timeseries or []) > 1:
        return f"Azure Monitor told {metric.name} in {len(metric.timeseries)} series; expected one"
    unit = _TOLD_IN.get(str(metric.unit).casefold())
    if signal.per is None and unit is not None and signal.unit not in (unit, Unit.NUMBER):
        return f"Azure Monitor tells {metric.name} in {metric.unit}; the policy says `unit: {signal.unit}`"
    return None


def _samples(signal: MetricSignal, found: "Mapping[str, Metric]") -> Iterator[Sample]:
    bases = _points(found.get(signal.per.casefold()), signal.aggregation) if signal.per else None
    for minute, value in _points(found.get(signal.metric.casefold()), signal.aggregation).items():
        yield _sample(signal, minute, value, bases)


def _points(metric: "Metric | None", aggregation: str) -> Points:
    """Return the values of a metric by the start of their minute; a minute without a value is left out."""
    series = metric.timeseries if metric else []
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
