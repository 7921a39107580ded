"""What a test does to the traffic switch: somebody turns it by hand."""

from typing import Any

from aiohttp import web

from local.azure_simulator.control.requests import read_body
from local.azure_simulator.simulation import Simulation
from local.azure_simulator.strict_model import StrictModel

type Json = dict[str, Any]


class HookState(StrictModel):
    state: Json


class HookControl:
    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation

    def routes(self) -> list[web.RouteDef]:
        return [web.put("/_control/hook", self.put_state)]

    async def put_state(self, request: web.Request) -> web.Response:
        self._simulation.hook_target.state = (await read_body(request, HookState)).state
        return web.json_response(hook_state(self._simulation))


def hook_state(simulation: Simulation) -> Json:
    target = simulation.hook_target
    calls = [{"key": call.key, "order": call.order, "changed": call.changed} for call in target.calls]
    return {"state": target.state, "calls": calls}
