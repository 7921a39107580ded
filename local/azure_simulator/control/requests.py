"""The bodies that `/_control` takes, validated before anything is touched."""

from typing import Annotated

from pydantic import Field

from local.azure_simulator.config import PRODUCTION, StrictModel


class ControlError(Exception):
    """Bad control input; the message is the sentence that the caller reads."""


class DeployRequest(StrictModel):
    slot: str = PRODUCTION
    build: str = Field(min_length=1)
    setting: bool = True


class PermissionsRequest(StrictModel):
    """RBAC actions that are taken away, wildcards allowed: `Microsoft.Web/sites/slots/slotsswap/action`."""

    denied: list[Annotated[str, Field(min_length=1)]]


class PlanRequest(StrictModel):
    cpu_percentage: float = Field(ge=0, le=100)
    memory_percentage: float = Field(ge=0, le=100)
