"""The series behind a metric of a resource: where its points come from."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from local.azure_simulator.monitor.metric_catalog import PLAN_METRICS, SITE_METRICS, Point
from local.azure_simulator.monitor.metrics_query import BadMetricsRequestError
from local.azure_simulator.monitor.readings import TOLD_METRICS, type_of
from local.azure_simulator.simulation import Simulation
from local.azure_simulator.sites import Site

RESOURCE = re.compile(
    r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.Web/"
    r"(?:sites/(?P<site>[^/]+)(?:/slots/(?P<slot>[^/]+))?|serverfarms/(?P<plan>[^/]+))",
    re.IGNORECASE,
)

type PointSource = Callable[[float, float], Point | None]


@dataclass(frozen=True, slots=True)
class MetricSeries:
    """`point(start_s, end_s)` is None where there is no data."""

    name: str
    unit: str
    resource_id: str
    point: PointSource


def find_series(simulation: Simulation, resource_id: str, name: str) -> MetricSeries:
    match = RESOURCE.fullmatch(resource_id)
    if type_of(resource_id) in TOLD_METRICS:
        return told_series(simulation, resource_id, name)
    if match is None:
        raise BadMetricsRequestError(f"The resource '{resource_id}' is not a site, a slot or a plan.")
    if match["plan"]:
        return plan_series(simulation, resource_id, name)
    site = simulation.site(match["site"])
    slot = site.slot(match["slot"] or site.production.name) if site else None
    if site is None or slot is None:
        raise BadMetricsRequestError(f"The resource '{resource_id}' was not found.")
    return site_series(simulation, site, slot.name, resource_id, name)


def site_series(simulation: Simulation, site: Site, slot: str, resource_id: str, name: str) -> MetricSeries:
    known = canonical_name(name, SITE_METRICS, "sites")
    metric = SITE_METRICS[known]

    def point(start_s: float, end_s: float) -> Point | None:
        tally = simulation.requests.tally(site.name, slot, start_s, end_s)
        return metric.point(tally) if tally.requests else None

    return MetricSeries(known, metric.unit, resource_id, point)


def plan_series(simulation: Simulation, resource_id: str, name: str) -> MetricSeries:
    known = canonical_name(name, PLAN_METRICS, "serverfarms")

    def point(_: float, end_s: float) -> Point | None:
        readings = [reading for reading in simulation.plan_readings if reading.since_s < end_s]
        value = float(getattr(readings[-1], PLAN_METRICS[known]))
        return Point(total=value, count=1, minimum=value, maximum=value)

    return MetricSeries(known, "Percent", resource_id, point)


def told_series(simulation: Simulation, resource_id: str, name: str) -> MetricSeries:
    units = TOLD_METRICS[type_of(resource_id)]
    known = canonical_name(name, units, type_of(resource_id))

    def point(_: float, __: float) -> Point | None:
        value = simulation.readings.get(resource_id.casefold(), {}).get(known)
        return None if value is None else Point(total=value, count=1, minimum=value, maximum=value)

    return MetricSeries(known, units[known], resource_id, point)


def canonical_name[T](name: str, catalog: Mapping[str, T], resource_type: str) -> str:
    known = next((known for known in catalog if known.casefold() == name.casefold()), None)
    if known is None:
        raise BadMetricsRequestError(
            f"Failed to find metric configuration for provider: Microsoft.Web, resource Type: {resource_type}, "
            f"metric: {name}, Valid metrics: {','.join(catalog)}"
        )
    return known
