"""`GET {resource}/providers/Microsoft.ResourceHealth/availabilityStatuses/current`, and what a test says it tells.

https://learn.microsoft.com/rest/api/resourcehealth/availability-statuses/get-by-resource
"""

import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from aiohttp import web
from pydantic import Field

from local.azure_simulator.api import Audience, Call, Route
from local.azure_simulator.arm.routes import SUBSCRIPTION
from local.azure_simulator.control.requests import read_body
from local.azure_simulator.faults import Api
from local.azure_simulator.simulation import Simulation
from local.azure_simulator.strict_model import StrictModel


@dataclass(frozen=True, slots=True)
class Health:
    state: str = "Available"
    reported_ago_s: float = 5.0


class HealthRequest(StrictModel):
    """`state` is any word, so that one can be told that Azure does not document."""

    resource: str = Field(pattern=r"^/subscriptions/")
    state: str
    reported_ago_s: float = Field(5.0, ge=0)


class ResourceHealthControl:
    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation

    def routes(self) -> list[web.RouteDef]:
        return [web.put("/_control/resource_health", self.put_health)]

    async def put_health(self, request: web.Request) -> web.Response:
        wanted = await read_body(request, HealthRequest)
        self._simulation.resource_health[wanted.resource.casefold()] = (wanted.state, wanted.reported_ago_s)
        return web.json_response(wanted.model_dump())


async def current(call: Call) -> web.Response:
    resource = call.request.path.casefold().rpartition("/providers/microsoft.resourcehealth/")[0]
    health = Health(*call.simulation.resource_health.get(resource, ()))
    reported = datetime.fromtimestamp(time.time() - health.reported_ago_s, UTC).isoformat().replace("+00:00", "Z")
    properties = {
        "availabilityState": health.state,
        "title": health.state,
        "summary": f"This resource is {health.state}.",
        "reasonType": "" if health.state == "Available" else "Unplanned",
        "occuredTime": reported,  # the platform's own spelling
        "reasonChronicity": "Persistent",
        "reportedTime": reported,
    }
    path = call.request.path
    return web.json_response({"id": path, "name": "current", "location": "westeurope", "properties": properties})


RESOURCE_HEALTH_ROUTES = [
    Route(
        "GET",
        re.compile(
            rf"{SUBSCRIPTION}/resourceGroups/(?P<group>[^/]+)/providers/[^/]+(/[^/]+/[^/]+)+"
            r"/providers/Microsoft\.ResourceHealth/availabilityStatuses/current",
            re.IGNORECASE,
        ),
        current,
        Api.RESOURCE_HEALTH,
        Audience.ARM,
        "Microsoft.ResourceHealth/availabilityStatuses/read",
    )
]
