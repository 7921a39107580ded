"""The routes under `/_control`, JSON in and out; bad input is answered 400 with a sentence.

README.md lists them with their bodies.
"""

import math
from datetime import datetime
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ValidationError

from local.azure_simulator.control import state
from local.azure_simulator.control.requests import (
    ControlError,
    DeployRequest,
    PermissionsRequest,
    PlanRequest,
    RoutingRequest,
    read_body,
    sentence,
)
from local.azure_simulator.faults import FaultRule
from local.azure_simulator.lifecycle import deploy
from local.azure_simulator.simulation import PlanReading, Simulation
from local.azure_simulator.sites import Site, Slot
from local.demo_site.faults import HEALTHY, BuildFaults


class Control:
    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/_control/state", self.get_state),
            web.get("/_control/requests", self.get_requests),
            web.post("/_control/sites/{site}/deploy", self.deploy),
            web.put("/_control/sites/{site}/routing", self.put_routing),
            web.put("/_control/builds/{build}/faults", self.put_build_faults),
            web.delete("/_control/builds/{build}/faults", self.heal_build),
            web.put("/_control/timings", self.put_timings),
            web.put("/_control/throttling", self.put_throttling),
            web.put("/_control/permissions", self.put_permissions),
            web.put("/_control/plan", self.put_plan),
            web.get("/_control/faults", self.get_faults),
            web.post("/_control/faults", self.add_fault),
            web.delete("/_control/faults", self.clear_faults),
            web.delete("/_control/faults/{id}", self.remove_fault),
        ]

    async def get_state(self, _: web.Request) -> web.Response:
        return web.json_response(state.world_state(self._simulation))

    async def get_requests(self, request: web.Request) -> web.Response:
        since_s = _instant_s(request.query.get("since"), default_s=0.0)
        until_s = _instant_s(request.query.get("until"), default_s=math.inf)
        rows = list(self._simulation.requests.between(since_s, until_s))
        return web.json_response(state.request_counts(rows))

    async def deploy(self, request: web.Request) -> web.Response:
        wanted = await read_body(request, DeployRequest)
        site = self._site(request.match_info["site"])
        slot = _slot(site, wanted.slot)
        await deploy(self._simulation, site, slot, wanted.build, with_setting=wanted.setting)
        return web.json_response({"slot": slot.name, "build": slot.content.build})

    async def put_routing(self, request: web.Request) -> web.Response:
        wanted = await read_body(request, RoutingRequest)
        site = self._site(request.match_info["site"])
        if wanted.rules is not None:
            site.route_by(wanted.rules, after_s=0.0)
        if wanted.pins_outlive_rules is not None:
            site.pins_outlive_rules = wanted.pins_outlive_rules
        return web.json_response(state.site_state(self._simulation, site))

    async def put_build_faults(self, request: web.Request) -> web.Response:
        faults = await read_body(request, BuildFaults)
        build = request.match_info["build"]
        self._simulation.build_faults[build] = faults
        await self._apply(build, faults)
        return web.json_response(faults.model_dump())

    async def heal_build(self, request: web.Request) -> web.Response:
        """A dead process is restarted."""
        build = request.match_info["build"]
        self._simulation.build_faults.pop(build, None)
        await self._apply(build, HEALTHY)
        return web.json_response(HEALTHY.model_dump())

    async def _apply(self, build: str, faults: BuildFaults) -> None:
        for deployment in list(self._simulation.deployments(build)):
            await deployment.break_with(faults)
            await deployment.start(faults)

    async def put_timings(self, request: web.Request) -> web.Response:
        return web.json_response(await _update(request, self._simulation.timings))

    async def put_throttling(self, request: web.Request) -> web.Response:
        return web.json_response(await _update(request, self._simulation.throttling))

    async def put_permissions(self, request: web.Request) -> web.Response:
        self._simulation.denied_actions = (await read_body(request, PermissionsRequest)).denied
        return web.json_response({"denied": self._simulation.denied_actions})

    async def put_plan(self, request: web.Request) -> web.Response:
        plan = await read_body(request, PlanRequest)
        self._simulation.plan_readings.append(PlanReading.now(plan.cpu_percentage, plan.memory_percentage))
        return web.json_response(plan.model_dump())

    async def get_faults(self, _: web.Request) -> web.Response:
        return web.json_response({"faults": [state.fault_state(fault) for fault in self._simulation.faults]})

    async def add_fault(self, request: web.Request) -> web.Response:
        fault = self._simulation.faults.add(await read_body(request, FaultRule))
        return web.json_response({"id": fault.id}, status=201)

    async def clear_faults(self, _: web.Request) -> web.Response:
        self._simulation.faults.clear()
        return web.json_response({"faults": []})

    async def remove_fault(self, request: web.Request) -> web.Response:
        fault_id = request.match_info["id"]
        if not self._simulation.faults.remove(fault_id):
            raise ControlError(f"There is no fault {fault_id!r}.")
        return web.json_response({"id": fault_id})

    def _site(self, name: str) -> Site:
        site = self._simulation.site(name)
        if site is None:
            raise ControlError(f"There is no site {name!r}; there is {', '.join(self._simulation.sites)}.")
        return site


async def _update(request: web.Request, current: BaseModel) -> dict[str, Any]:
    """Sets the fields that the body names, all or none."""
    try:
        changes = type(current).model_validate_json(await request.read()).model_dump(exclude_unset=True)
    except ValidationError as invalid:
        raise ControlError(sentence(invalid)) from invalid
    for name, value in changes.items():
        setattr(current, name, value)
    return current.model_dump()


def _slot(site: Site, name: str) -> Slot:
    slot = site.slot(name)
    if slot is None:
        raise ControlError(f"Site {site.name!r} has no slot {name!r}; it has {', '.join(site.slots)}.")
    return slot


def _instant_s(text: str | None, default_s: float) -> float:
    """Unix seconds, or an ISO 8601 time with its zone."""
    if not text:
        return default_s
    try:
        return float(text)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as wrong:
        raise ControlError(f"{text!r} is neither Unix seconds nor an ISO 8601 time.") from wrong
    if moment.tzinfo is None:
        raise ControlError(f"{text!r} needs a time zone.")
    return moment.timestamp()
