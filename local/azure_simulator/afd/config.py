"""Azure Front Door profiles as they are configured.

Limits: https://learn.microsoft.com/azure/frontdoor/origin (weight 1 to 1000, priority 1 to 5).
"""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from local.azure_simulator.strict_model import StrictModel

MOST_WEIGHT = 1000
LAST_PRIORITY = 5

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]*$")]


class Switch(StrEnum):
    ENABLED = "Enabled"
    DISABLED = "Disabled"


class AfdOriginConfig(StrictModel):
    """Reached at `url`, or at the front door of the site whose host name it has."""

    name: Name
    host_name: str = Field(min_length=1)
    url: str | None = Field(None, pattern=r"^http://[^/\s]+$")
    enabled: Switch = Switch.ENABLED
    weight: int = Field(MOST_WEIGHT, ge=1, le=MOST_WEIGHT)
    priority: int = Field(1, ge=1, le=LAST_PRIORITY)


class AfdGroupConfig(StrictModel):
    """An origin group and the endpoint through which users reach it."""

    name: Name
    endpoint: Name
    origins: list[AfdOriginConfig] = Field(min_length=1)
    session_affinity: bool = False


class AfdProfileConfig(StrictModel):
    """`reports_deployment`: `deploymentStatus` follows the edges; Azure was seen to tell `NotStarted` for ever."""

    name: Name
    groups: list[AfdGroupConfig] = Field(min_length=1)
    edges: int = Field(2, ge=1, le=10)
    reports_deployment: bool = False

    @model_validator(mode="after")
    def names_are_unique(self) -> Self:
        for names in (
            [group.name.casefold() for group in self.groups],
            [group.endpoint.casefold() for group in self.groups],
            *([origin.name.casefold() for origin in group.origins] for group in self.groups),
        ):
            if len(set(names)) != len(names):
                raise ValueError(f"names of one kind must be unique in {self.name!r}, got {names}")
        return self
