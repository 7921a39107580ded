"""What a test does to the traffic switch: somebody turns it by hand, or gives it another secret."""

from typing import Any

from aiohttp import web

from local.azure_simulator.control.requests import read_body
from local.azure_simulator.simulation import Simulation
from local.azure_simulator.strict_model import StrictModel

type Json = dict[str, Any]


class HookState(StrictModel):
    """What is not named stays."""

    state: Json | None = None
    secret: str | None = None


class HookControl:
    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation

    def routes(self) -> list[web.RouteDef]:
        return [web.put("/_control/hook", self.put_state)]

    async def put_state(self, request: web.Request) -> web.Response:
        wanted, target = await read_body(request, HookState), self._simulation.hook_target
        if wanted.state is not None:
            target.state = wanted.state
        if wanted.secret is not None:
            target.config = target.config.model_copy(update={"secret": wanted.secret})
        return web.json_response(hook_state(self._simulation))


def hook_state(simulation: Simulation) -> Json:
    target = simulation.hook_target
    calls = [{"key": call.key, "order": call.order, "changed": call.changed} for call in target.calls]
    return {"state": target.state, "calls": calls}
