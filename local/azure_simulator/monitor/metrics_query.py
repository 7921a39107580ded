"""What a metrics batch asks for, parsed and checked; a bad one is refused with the platform's kind of sentence."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from local.azure_simulator.monitor.metric_catalog import AGGREGATIONS

INTERVALS_S = {"PT1M": 60, "PT5M": 300, "PT15M": 900, "PT30M": 1800, "PT1H": 3600}
FINE_INTERVALS_S = {"PT10S": 10}
MAX_RESOURCES = 50
DEFAULT_SPAN = timedelta(hours=1)


class BadMetricsRequestError(Exception):
    """The message is what the caller reads."""


@dataclass(frozen=True, slots=True)
class MetricsQuery:
    names: list[str]
    aggregations: list[str]
    start: datetime
    end: datetime
    interval: str
    interval_s: int
    namespace: str
    resource_ids: list[str]


def parse_query(given: Mapping[str, str], body: object, *, allow_fine_grain: bool) -> MetricsQuery:
    if "filter" in given:
        raise BadMetricsRequestError("Dimensions are not supported: send no filter.")
    interval = given.get("interval", "PT1M")
    allowed = INTERVALS_S | (FINE_INTERVALS_S if allow_fine_grain else {})
    if interval not in allowed:
        grains = ",".join(allowed)
        raise BadMetricsRequestError(f"Detected invalid time grain input: {interval}. Supported time grains: {grains}")
    end = parse_instant(given.get("endtime")) or datetime.now(UTC)
    return MetricsQuery(
        names=[name for name in given.get("metricnames", "").split(",") if name],
        aggregations=parse_aggregations(given.get("aggregation", "average")),
        start=parse_instant(given.get("starttime")) or end - DEFAULT_SPAN,
        end=end,
        interval=interval,
        interval_s=allowed[interval],
        namespace=given.get("metricnamespace", ""),
        resource_ids=parse_resource_ids(body),
    )


def parse_resource_ids(body: object) -> list[str]:
    ids = body.get("resourceids", []) if isinstance(body, dict) else []
    if not 0 < len(ids) <= MAX_RESOURCES:
        raise BadMetricsRequestError(f"A batch takes 1 to {MAX_RESOURCES} resource ids, got {len(ids)}.")
    return [str(resource_id) for resource_id in ids]


def parse_instant(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as wrong:
        raise BadMetricsRequestError(f"'{text}' is not an ISO 8601 time.") from wrong
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def parse_aggregations(text: str) -> list[str]:
    names = [name.strip().lower() for name in text.split(",")]
    unknown = [name for name in names if name not in AGGREGATIONS]
    if unknown:
        raise BadMetricsRequestError(f"Unknown aggregation {unknown[0]!r}; valid: {', '.join(AGGREGATIONS)}.")
    return names
