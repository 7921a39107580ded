"""Platform metrics of resources that do not exist here otherwise: databases tell what a test says that they tell.

https://learn.microsoft.com/azure/azure-monitor/reference/supported-metrics/microsoft-sql-servers-databases-metrics and
.../microsoft-dbforpostgresql-flexibleservers-metrics
"""

import re
from collections.abc import Mapping

from aiohttp import web
from pydantic import Field

from local.azure_simulator.control.requests import read_body
from local.azure_simulator.simulation import Simulation
from local.azure_simulator.strict_model import StrictModel

TOLD_METRICS: Mapping[str, Mapping[str, str]] = {
    "microsoft.sql/servers/databases": dict.fromkeys(
        (
            "dtu_consumption_percent",
            "cpu_percent",
            "physical_data_read_percent",
            "log_write_percent",
            "storage_percent",
        ),
        "Percent",
    )
    | {"storage": "Bytes", "connection_failed": "Count"},
    "microsoft.dbforpostgresql/flexibleservers": dict.fromkeys(
        ("cpu_percent", "memory_percent", "storage_percent"), "Percent"
    )
    | {"active_connections": "Count", "connections_failed": "Count"},
}
_ID = re.compile(r"/subscriptions/[^/]+/resourcegroups/[^/]+/providers/(?P<provider>[^/]+)/(?P<pairs>.+)")


def type_of(resource_id: str) -> str:
    """The resource's type in lower case; empty for what is no id."""
    found = _ID.fullmatch(resource_id.casefold())
    return "/".join((found["provider"], *found["pairs"].split("/")[::2])) if found else ""


class ReadingsRequest(StrictModel):
    """What a resource tells from now on; metrics that are not named have no data."""

    resource: str = Field(pattern=r"^/subscriptions/")
    metrics: dict[str, float]


class ReadingsControl:
    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation

    def routes(self) -> list[web.RouteDef]:
        return [web.put("/_control/metrics", self.put_readings)]

    async def put_readings(self, request: web.Request) -> web.Response:
        wanted = await read_body(request, ReadingsRequest)
        self._simulation.readings[wanted.resource.casefold()] = dict(wanted.metrics)
        return web.json_response(wanted.model_dump())
