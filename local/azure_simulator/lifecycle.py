"""Starting, stopping and restarting slots, and putting builds into them."""

import asyncio

from local.azure_simulator.builds import Deployment
from local.azure_simulator.simulation import Simulation
from local.azure_simulator.sites import Site, Slot


async def restart_slot(simulation: Simulation, slot: Slot) -> None:
    """The slot is cold, and answers 503, until its process is back and `restart_s` have passed."""
    slot.is_cold = True
    content = slot.content
    await content.restart(simulation.faults_of(content.build))
    await asyncio.sleep(simulation.timings.restart_s)
    slot.is_cold = False


async def deploy(simulation: Simulation, site: Site, slot: Slot, build: str, *, with_setting: bool) -> None:
    """The new build answers from one instant on, without a gap; then the old process ends."""
    arriving = Deployment(build)
    await arriving.start(simulation.faults_of(build))
    leaving, slot.content = slot.content, arriving
    if with_setting:
        slot.settings = slot.settings | {site.build_setting: build}
    await leaving.stop()
