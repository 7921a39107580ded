"""What a test does to zones: somebody else's changes, with neither ARM nor an ETag between."""

from typing import Any

from aiohttp import web

from local.azure_simulator.control.requests import ControlError, read_body
from local.azure_simulator.dns_zones.config import RecordSetConfig
from local.azure_simulator.dns_zones.record_sets import RecordSet, Zone, properties_of
from local.azure_simulator.dns_zones.routes import zone_id
from local.azure_simulator.simulation import Simulation

type Json = dict[str, Any]


class DnsZonesControl:
    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation

    def routes(self) -> list[web.RouteDef]:
        return [
            web.put("/_control/dns_zones/{zone}", self.put_record_set),
            web.delete("/_control/dns_zones/{zone}/{record}", self.drop_name),
        ]

    async def put_record_set(self, request: web.Request) -> web.Response:
        """Whatever the name held before is gone."""
        wanted = await read_body(request, RecordSetConfig)
        zone = self._zone(request)
        kind = "CNAME" if wanted.cname else "A"
        for other in zone.named(wanted.name):
            if other.type != kind:
                zone.drop(other.type, other.name)
        written = zone.put(kind, wanted.name, properties_of(wanted))
        self._simulation.publications.rewrite()
        return web.json_response(_record_set_state(written))

    async def drop_name(self, request: web.Request) -> web.Response:
        """All that a name holds, or what it holds of one `kind`."""
        zone, name, kind = self._zone(request), request.match_info["record"], request.query.get("kind")
        for found in zone.named(name):
            if kind in (None, found.type):
                zone.drop(found.type, found.name)
        self._simulation.publications.rewrite()
        return web.json_response({"name": name})

    def _zone(self, request: web.Request) -> Zone:
        name = request.match_info["zone"]
        zone = self._simulation.dns_zones.get(name.casefold())
        if zone is None:
            raise ControlError(
                f"There is no zone {name!r}; there is {', '.join(self._simulation.dns_zones) or 'none'}."
            )
        return zone


def dns_zones_state(simulation: Simulation) -> Json:
    return {
        zone.name: {
            "resource_id": zone_id(simulation, zone),
            "record_sets": [_record_set_state(each) for each in zone.record_sets.values()],
        }
        for zone in simulation.dns_zones.values()
    }


def _record_set_state(found: RecordSet) -> Json:
    return {"name": found.name, "type": found.type, "etag": found.etag, **found.properties}
