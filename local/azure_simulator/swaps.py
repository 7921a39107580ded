"""A slot swap from acceptance to its end: warm-up of the source, the switch at one instant, or a failure.

Rules and texts: Microsoft's "Set up staging environments" page and public reports of failed swaps. By default
any HTTP answer of the source's root counts as warm; up to five pings are made.
"""

import asyncio
import contextlib
import time
from datetime import UTC, datetime

import aiohttp

from local.azure_simulator.faults import ActiveFault
from local.azure_simulator.operations import Operation, OperationError
from local.azure_simulator.simulation import Simulation
from local.azure_simulator.sites import Site, Slot

WARMUP_TRIES = 5
WARMUP_PAUSE_S = 0.1


async def run_swap(simulation: Simulation, site: Site, operation: Operation, stuck: ActiveFault | None) -> None:
    """Ends `operation`; one that is stuck ends when its fault is lifted."""
    source, target = site.slots[operation.source], site.slots[operation.target]
    timings = simulation.timings
    await asyncio.sleep(timings.swap_s + simulation.random.uniform(0, timings.swap_jitter_s))
    if stuck:
        await stuck.lifted.wait()
    warmed = target if source is site.production else source
    if await _is_warm(warmed, timings.warmup_ping_timeout_s):
        operation.succeed(datetime.now(UTC))
        site.swap(source, target, datetime.now(UTC))
        site.unsettled_until_s = time.time() + timings.post_swap_503_s
    else:
        operation.fail(datetime.now(UTC), _did_not_answer(site, warmed))
    site.operation = None


async def _is_warm(slot: Slot, ping_timeout_s: float) -> bool:
    timeout = aiohttp.ClientTimeout(total=ping_timeout_s)
    async with aiohttp.ClientSession(timeout=timeout) as client:
        for _ in range(WARMUP_TRIES):
            if await _answers(client, slot):
                return True
            await asyncio.sleep(WARMUP_PAUSE_S)
    return False


async def _answers(client: aiohttp.ClientSession, slot: Slot) -> bool:
    if not slot.is_running or slot.content.url is None:
        return False
    with contextlib.suppress(aiohttp.ClientError, TimeoutError):
        async with client.get(slot.content.url, allow_redirects=False):
            return True
    return False


def _did_not_answer(site: Site, slot: Slot) -> OperationError:
    return OperationError(
        http_status=417,
        code="ExpectationFailed",
        message=f"Cannot swap site slots for site '{site.name}' because the '{slot.name}' slot "
        "did not respond to http ping.",
    )
