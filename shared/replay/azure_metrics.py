"""Platform metrics as Azure Monitor answers: `az monitor metrics list -o json`, or the batch API.

https://learn.microsoft.com/rest/api/monitor/metrics/list and .../metrics-batch/batch
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from shared.errors import InvalidInput
from shared.model.policy import Policy
from shared.model.policy_azure_signals import MetricSignal
from shared.model.signal import Sample, measured, no_data
from shared.replay.player import Recorded
from shared.replay.rows import Wrong, moment_of

_INTERVAL = re.compile(r"P(?:(?P<days>\d{1,3})D)?(?:T(?:(?P<hours>\d{1,3})H)?(?:(?P<minutes>\d{1,4})M)?)?", re.ASCII)
_MINUTE = timedelta(minutes=1)

type Points = Mapping[datetime, float]


def azure_metrics(file: Path, policy: Policy) -> list[Recorded]:
    """Read the samples of all signals of kind `metric` whose metrics are in the file.

    Raises:
        InvalidInput: the file is no such answer; it names the place in it.
    """
    document = _document(file)
    try:
        found: list[Recorded] = []
        for name, signal in policy.signals.items():
            if isinstance(signal, MetricSignal):
                wanted = (signal.resource or policy.site.resource).casefold().rstrip("/")
                found += ((name, sample) for sample in _samples(signal, _metrics(document, wanted)))
    except Wrong as wrong:
        raise InvalidInput(wrong.text, where=f"{file}: {wrong.column}") from None
    except (KeyError, TypeError, AttributeError, IndexError, ValueError):
        raise InvalidInput(
            "not as Azure Monitor answers; expected value[].timeseries[].data[] with a timeStamp", where=str(file)
        ) from None
    return sorted(found, key=lambda one: one[1].at)


def looks_like_metrics(document: Any) -> bool:
    """Tell whether a JSON document is an answer of Azure Monitor."""
    return isinstance(document, dict) and bool({"value", "values"} & document.keys())


def _document(file: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(file.read_bytes())
    return document


def _metrics(document: Mapping[str, Any], resource: str) -> dict[str, tuple[Any, timedelta]]:
    """Return the metrics of a resource by name, each with its interval."""
    answers = document.get("values", [document])
    of_it = [answer for answer in answers if resource in str(answer.get("resourceid", answer)).casefold()]
    if not of_it and len(answers) == 1:  # settings were not filled in: the one resource is meant
        of_it = answers
    return {
        metric["name"]["value"].casefold(): (metric, _interval(answer.get("interval", "PT1M")))
        for answer in of_it
        for metric in answer["value"]
    }


def _interval(text: str) -> timedelta:
    found = _INTERVAL.fullmatch(text)
    length = timedelta(**{name: int(value or 0) for name, value in found.groupdict().items()}) if found else None
    if not length:
        raise Wrong("interval", f"{text!r}; expected for instance PT1M")
    return length


def _samples(signal: MetricSignal, metrics: Mapping[str, tuple[Any, timedelta]]) -> Iterator[Sample]:
    """Make samples as the source of the watch does: their event time is the end of their interval."""
    if signal.metric.casefold() not in metrics:
        return
    metric, interval = metrics[signal.metric.casefold()]
    bases = _points(metrics.get(signal.per.casefold()), signal.aggregation) if signal.per else None
    for begins, value in _points((metric, interval), signal.aggregation).items():
        at = begins + interval
        if bases is None:
            yield measured(at, signal.unit.canonical(value))
        elif bases.get(begins):
            yield measured(at, value / bases[begins], int(bases[begins]))
        else:
            yield no_data(at, f"no {signal.per} in this interval")


def _points(metric: tuple[Any, timedelta] | None, aggregation: str) -> Points:
    if metric is None:
        return {}
    name, series = metric[0]["name"]["value"], metric[0]["timeseries"]
    if len(series) > 1:
        raise Wrong(name, f"told in {len(series)} series; expected one: without dimensions, or with a filter")
    data = series[0]["data"] if series else []
    found = {moment_of(one["timeStamp"], name): float(one[aggregation]) for one in data if _has(one, aggregation)}
    if data and not found:
        raise Wrong(name, f"no value has {aggregation!r}; expected it exported with `--aggregation {aggregation}`")
    return found


def _has(point: Mapping[str, Any], aggregation: str) -> bool:
    return point.get(aggregation) is not None
