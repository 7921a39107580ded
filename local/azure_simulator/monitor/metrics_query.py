"""What a metrics batch asks for, parsed and checked; a bad one is refused with the platform's kind of sentence."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from local.azure_simulator.monitor.metric_catalog import AGGREGATIONS
from local.azure_simulator.monitor.readings import type_of

INTERVALS_S = {"PT1M": 60, "PT5M": 300, "PT15M": 900, "PT30M": 1800, "PT1H": 3600}
FINE_INTERVALS_S = {"PT10S": 10}
MAX_RESOURCES = 50
MAX_METRICS = 20
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
    names = [name for name in given.get("metricnames", "").split(",") if name]
    if not 0 < len(names) <= MAX_METRICS:
        raise BadMetricsRequestError(f"A batch takes 1 to {MAX_METRICS} metrics, got {len(names)}.")
    end = parse_instant(given.get("endtime")) or datetime.now(UTC)
    return MetricsQuery(
        names=names,
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


def refuse_mixed(namespace: str, resource_ids: list[str], subscription: str) -> None:
    """A batch is of one type and of one subscription, and its namespace is that type."""
    for resource_id in resource_ids:
        if not resource_id.casefold().startswith(f"/subscriptions/{subscription}/".casefold()):
            raise BadMetricsRequestError(f"The resource '{resource_id}' is not in the subscription '{subscription}'.")
        # That slots go with their sites is how it was taken for granted here; Azure may be stricter.
        if not f"{type_of(resource_id)}/".startswith(f"{namespace.casefold()}/"):
            raise BadMetricsRequestError(
                f"The resource '{resource_id}' is not of the type '{namespace}', which all of a batch must be."
            )


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
