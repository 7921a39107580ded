"""What a test does to a store: somebody else's changes, without a token or an ETag, which sites know at once."""

from typing import Any

from aiohttp import web

from local.azure_simulator.app_configuration.config import KeyValueConfig
from local.azure_simulator.control.requests import ControlError, read_body
from local.azure_simulator.simulation import Simulation

type Json = dict[str, Any]


class AppConfigurationControl:
    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation

    def routes(self) -> list[web.RouteDef]:
        return [
            web.put("/_control/key_values", self.put_key_value),
            web.delete("/_control/key_values", self.drop_key_value),
        ]

    async def put_key_value(self, request: web.Request) -> web.Response:
        held = self._simulation.key_values.put(await read_body(request, KeyValueConfig))
        self._simulation.feature_cache.refresh()
        return web.json_response({"etag": held.etag})

    async def drop_key_value(self, request: web.Request) -> web.Response:
        name = request.query.get("key", ""), request.query.get("label", "")
        if self._simulation.key_values.latest(name) is None:
            raise ControlError(f"There is no key-value {name!r}.")
        self._simulation.key_values.drop(name)
        self._simulation.feature_cache.refresh()
        return web.json_response({"key": name[0], "label": name[1]})


def key_values_state(simulation: Simulation) -> Json:
    return {
        "sequence": simulation.key_values.sequence,
        "key_values": [held.content.model_dump() | {"etag": held.etag} for held in simulation.key_values.all_latest()],
        "flags_of_sites": simulation.feature_cache.flags,
    }
