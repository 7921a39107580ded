"""Samples from the query API of Prometheus, which Azure Monitor workspaces offer as well.

A range query with one step for each sample, at multiples of the step, so that what is asked again falls on the same
instants. One series is expected. No value at a step, or NaN (0 / 0), is no data; a warning means that the answer is
not whole: what is missing may be the worst of it.
https://prometheus.io/docs/prometheus/latest/querying/api/#range-queries
https://learn.microsoft.com/azure/azure-monitor/metrics/prometheus-api-promql
"""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import urlencode

from shared.adapters.http_outcomes import demand_success
from shared.adapters.outbound import Outbound, Received
from shared.adapters.prometheus_query import query_of
from shared.errors import PermanentError
from shared.model.policy_outside_signals import PromqlSignal
from shared.model.quantity import number_in
from shared.model.signal import MOST_SAMPLES, Sample, failed, measured, no_data
from shared.ports import Collected, Job, Want

_WORDS = frozenset({"timeout", "canceled", "execution", "bad_data", "internal", "unavailable", "not_found"})
_BROKEN = frozenset({400, 422, 503})  # with what is wrong in the body
_MOST_LABELS = 3
Values = Mapping[datetime, float]


class PrometheusSource:
    """Fulfils `ports.SampleSource`."""

    def __init__(self, outbound: Outbound, folder: Path, token: Callable[[], str]) -> None:
        """`token` returns a token of the app's identity for Azure Monitor workspaces."""
        self._outbound = outbound
        self._folder = folder
        self._token = token

    def jobs(self, wants: Sequence[Want]) -> list[Job]:
        return [Job(wants=(want,), timeout=want.signal.timeout, run=partial(self._run, want)) for want in wants]

    def _run(self, want: Want, now: datetime) -> list[Collected]:
        signal, ends_at = _promql(want), monotonic() + want.signal.timeout.total_seconds()
        steps = _steps(signal, want.since, now)
        ask = partial(self._values, want, steps=steps, ends_at=ends_at)
        values = ask(signal.promql)
        counts = ask(signal.stands_on) if signal.stands_on else None
        samples = tuple(_sample(signal, at, values.get(at), counts) for at in steps)
        nothing = no_data(now, "there was no step in this time")
        return [Collected(workload=want.policy.workload, name=want.name, samples=samples or (nothing,))]

    def _values(self, want: Want, file: str, *, steps: Sequence[datetime], ends_at: float) -> Values:
        if not steps:
            return {}
        signal = _promql(want)
        form = {
            "query": query_of(self._folder, file, signal.values),
            "start": f"{steps[0].timestamp():.3f}",
            "end": f"{steps[-1].timestamp():.3f}",
            "step": f"{_step(signal).total_seconds():.3f}",
            "timeout": f"{math.ceil(signal.timeout.total_seconds())}s",
        }
        headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
        if signal.auth == "entra":
            headers["authorization"] = f"Bearer {self._token()}"
        answer = self._outbound.send(
            want.policy,
            "POST",
            f"{signal.endpoint.rstrip('/')}/api/v1/query_range",
            headers=headers,
            body=urlencode(form).encode(),
            within=timedelta(seconds=max(0.001, ends_at - monotonic())),
        )
        return _values_in(file, answer)


def _promql(want: Want) -> PromqlSignal:
    if not isinstance(want.signal, PromqlSignal):
        raise TypeError(f"{want.name} is no query of Prometheus")
    return want.signal


def _step(signal: PromqlSignal) -> timedelta:
    return timedelta(seconds=math.ceil(signal.every.total_seconds()))


def _steps(signal: PromqlSignal, since: datetime, until: datetime) -> list[datetime]:
    """Return the multiples of the step in `(since, until]`, at most as many as are kept."""
    step = int(_step(signal).total_seconds())
    last = int(until.timestamp()) // step
    first = max(math.floor(since.timestamp() / step) + 1, last - MOST_SAMPLES + 1)
    return [datetime.fromtimestamp(number * step, UTC) for number in range(first, last + 1)]


def _values_in(file: str, answer: Received) -> Values:
    """Return the values of the one series of an answer.

    Raises:
        TransientError, PermanentError: it is refused, not whole, several series, or no such answer at all.
    """
    if answer.status in _BROKEN:
        demand_success(f"query {file}, {_word(answer)}:", answer.status, answer.headers.get("retry-after", ""))
    demand_success(f"query {file}: the other side", answer.status, answer.headers.get("retry-after", ""))
    try:
        document = answer.json()
        if document["status"] != "success" or document["data"]["resultType"] != "matrix":
            raise PermanentError(f"query {file} was answered with something else than a range of values")
        if document.get("warnings"):
            raise PermanentError(f"query {file} was answered in part only: Prometheus warns")
        series = document["data"]["result"]
        if len(series) > 1:
            raise PermanentError(f"query {file} answers {len(series)} series, {_labels(series)}; expected one")
        return {_moment(at): float(value) for at, value in (series[0]["values"] if series else ())}
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError):
        raise PermanentError(f"query {file} was answered with what makes no sense") from None


def _word(answer: Received) -> str:
    """Return the kind of error that the other side names; its sentence may quote the query."""
    try:
        word = answer.json()["errorType"]
    except (ValueError, LookupError, TypeError):
        return "no reason given"
    return word if word in _WORDS else "no reason given"


def _labels(series: Sequence[Mapping[str, Any]]) -> str:
    """Return by which labels the series differ: by these the query must be summed."""
    labels = [dict(one["metric"]) for one in series]
    names = sorted({name for one in labels for name in one})
    differing = [name for name in names if len({str(one.get(name)) for one in labels}) > 1]
    return f"which differ in {', '.join(name[:40] for name in differing[:_MOST_LABELS]) or 'no label'}"


def _moment(at: Any) -> datetime:
    seconds = number_in(at)
    if seconds is None:
        raise ValueError("no time")
    return datetime.fromtimestamp(seconds, UTC)


def _sample(signal: PromqlSignal, at: datetime, value: float | None, counts: Values | None) -> Sample:
    if value is None or math.isnan(value):
        return no_data(at, f"{signal.promql} has no value for this time")
    if counts is None:
        return measured(at, signal.unit.canonical(value))
    count = counts.get(at, 0.0)
    if not math.isfinite(count):
        return failed(at, f"{signal.stands_on} answered {count}, which is no count")
    return measured(at, signal.unit.canonical(value), round(count))
