"""One call to one of Azure's APIs, and what a route says about it. The routes themselves are tables of data."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from aiohttp import web

from local.azure_simulator.background import Background
from local.azure_simulator.faults import ActiveFault, Api, Kind
from local.azure_simulator.simulation import Simulation
from local.azure_simulator.sites import Site, Slot

type Handler = Callable[["Call"], Awaitable[web.Response]]


class Audience(Enum):
    """Whose tokens an API takes: the resources that a token may be for."""

    ARM = ("https://management.azure.com", "https://management.core.windows.net")
    METRICS = ("https://metrics.monitor.azure.com",)
    LOGS = ("https://api.loganalytics.io", "https://api.loganalytics.azure.com")
    APP_CONFIGURATION = ("https://appconfig.azure.com", "https://azconfig.io")
    NOBODY = ()


@dataclass(frozen=True, slots=True)
class Route:
    """`action` is the RBAC action that the caller needs; `{slots}` in it tells a slot from its site."""

    method: str
    pattern: re.Pattern[str]
    handler: Handler
    api: Api
    audience: Audience
    action: str = ""
    changes_site: bool = False


@dataclass(slots=True)
class Call:
    """A call on its way through a route. `body` is the JSON that came, or None."""

    simulation: Simulation
    background: Background
    request: web.BaseRequest
    route: Route
    parameters: dict[str, str]
    body: Any = None
    fault: ActiveFault | None = None
    accepted: bool = False
    is_cut: bool = False

    @property
    def base_url(self) -> str:
        return f"{self.request.scheme}://{self.request.host}"

    @property
    def site(self) -> Site:
        return self.simulation.sites[self.parameters["site"].casefold()]

    @property
    def slot(self) -> Slot:
        """The slot that the URL names; production when it names none."""
        slot = self.parameters.get("slot")
        return self.site.slots[slot.casefold()] if slot else self.site.production

    @property
    def as_of_s(self) -> float | None:
        """With a `stale` fault: the moment at which time stopped for this API."""
        fault = self.fault
        return fault.set_at_s if fault and fault.rule.kind is Kind.STALE else None
