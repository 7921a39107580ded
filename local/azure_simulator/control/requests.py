"""The bodies that `/_control` takes, validated before anything is touched."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, Field, ValidationError

from local.azure_simulator.config import PRODUCTION, RampUpRule
from local.azure_simulator.strict_model import StrictModel


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


class RoutingRequest(StrictModel):
    """How a site's front end routes from now on; what is not named stays."""

    rules: list[RampUpRule] | None = None
    pins_outlive_rules: bool | None = None


async def read_body[M: BaseModel](request: web.Request, model: type[M]) -> M:
    try:
        return model.model_validate_json(await request.read())
    except ValidationError as invalid:
        raise ControlError(sentence(invalid)) from invalid


def sentence(invalid: ValidationError) -> str:
    problems = [
        f"{'.'.join(map(str, error['loc'])) or 'the body'}: {error['msg'].removeprefix('Value error, ')}"
        for error in invalid.errors()
    ]
    return f"Bad input: {'; '.join(problems)}."


@web.middleware
async def explain_bad_input(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Answer 400 with the sentence of what was wrong."""
    try:
        return await handler(request)
    except ControlError as refused:
        return web.json_response({"error": str(refused)}, status=400)
