"""Traffic Manager profiles as they are configured.

Limits: https://learn.microsoft.com/rest/api/trafficmanager/profiles/create-or-update (weight and priority 1 to 1000),
https://learn.microsoft.com/azure/traffic-manager/traffic-manager-faqs (TTL 0 to 2,147,483,647 s).
"""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from local.azure_simulator.strict_model import StrictModel

DOMAIN = "trafficmanager.net"
MOST = 1000

Rank = Annotated[int, Field(ge=1, le=MOST)]


class EndpointType(StrEnum):
    AZURE = "azureEndpoints"
    EXTERNAL = "externalEndpoints"
    NESTED = "nestedEndpoints"


class RoutingMethod(StrEnum):
    WEIGHTED = "Weighted"
    PRIORITY = "Priority"


class Health(StrEnum):
    """What probing an endpoint finds; `STOPPED` is an App Service app that was stopped."""

    ONLINE = "Online"
    DEGRADED = "Degraded"
    STOPPED = "Stopped"


class Switch(StrEnum):
    ENABLED = "Enabled"
    DISABLED = "Disabled"


class EndpointConfig(StrictModel):
    """`target` is a host name or an IPv4 address; for a nested endpoint, the name of another profile here."""

    name: str = Field(pattern=r"^[^/?#]+$")
    target: str = Field(min_length=1)
    type: EndpointType = EndpointType.EXTERNAL
    status: Switch = Switch.ENABLED
    weight: Rank = 1
    priority: Rank | None = None
    health: Health = Health.ONLINE


class ProfileConfig(StrictModel):
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]*$")
    endpoints: list[EndpointConfig] = Field(min_length=1)
    routing: RoutingMethod = RoutingMethod.WEIGHTED
    status: Switch = Switch.ENABLED
    ttl_s: int = Field(30, ge=0, le=2_147_483_647)

    @model_validator(mode="after")
    def names_are_unique(self) -> Self:
        names = [endpoint.name.casefold() for endpoint in self.endpoints]
        if len(set(names)) != len(names):
            raise ValueError(f"endpoint names of {self.name!r} must be unique, got {names}")
        return self
