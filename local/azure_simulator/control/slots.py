"""What somebody does to the slots of a site besides deploying to them: without ARM, and without a restart."""

from aiohttp import web

from local.azure_simulator.builds import Deployment
from local.azure_simulator.config import SlotConfig
from local.azure_simulator.control.requests import ControlError, read_body
from local.azure_simulator.control.state import site_state
from local.azure_simulator.simulation import Simulation
from local.azure_simulator.sites import Site, Slot
from local.azure_simulator.strict_model import StrictModel


class SettingsRequest(StrictModel):
    """App settings that change; null takes one away."""

    settings: dict[str, str | None]


class StickyRequest(StrictModel):
    names: list[str]


class SlotsControl:
    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation

    def routes(self) -> list[web.RouteDef]:
        return [
            web.put("/_control/sites/{site}/slots/{slot}", self.add_slot),
            web.delete("/_control/sites/{site}/slots/{slot}", self.drop_slot),
            web.put("/_control/sites/{site}/slots/{slot}/settings", self.put_settings),
            web.put("/_control/sites/{site}/sticky_settings", self.put_sticky_settings),
        ]

    async def add_slot(self, request: web.Request) -> web.Response:
        wanted = await read_body(request, SlotConfig)
        site, name = self._site(request), request.match_info["slot"].casefold()
        if site.slot(name):
            raise ControlError(f"Site {site.name!r} has a slot {name!r} already.")
        content = Deployment(wanted.build)
        await content.start(self._simulation.faults_of(wanted.build))
        settings = {site.build_setting: wanted.build} | wanted.settings
        site.slots[name] = Slot(name=name, content=content, settings=settings)
        return self._told(site)

    async def drop_slot(self, request: web.Request) -> web.Response:
        site = self._site(request)
        slot = _slot(site, request)
        if slot is site.production:
            raise ControlError("Production is no slot that can be deleted.")
        del site.slots[slot.name]
        await slot.content.stop()
        return self._told(site)

    async def put_settings(self, request: web.Request) -> web.Response:
        changes = (await read_body(request, SettingsRequest)).settings
        site = self._site(request)
        slot = _slot(site, request)
        slot.settings = {name: value for name, value in (slot.settings | changes).items() if value is not None}
        return self._told(site)

    async def put_sticky_settings(self, request: web.Request) -> web.Response:
        site = self._site(request)
        site.sticky_settings = (await read_body(request, StickyRequest)).names
        return self._told(site)

    def _site(self, request: web.Request) -> Site:
        site = self._simulation.site(request.match_info["site"])
        if site is None:
            raise ControlError(f"There is no site {request.match_info['site']!r}.")
        return site

    def _told(self, site: Site) -> web.Response:
        return web.json_response(site_state(self._simulation, site))


def _slot(site: Site, request: web.Request) -> Slot:
    slot = site.slot(request.match_info["slot"])
    if slot is None:
        raise ControlError(f"Site {site.name!r} has no slot {request.match_info['slot']!r}.")
    return slot
