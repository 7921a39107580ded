"""A platform that takes its time, in the workers' time: swaps take long, and settings are told as they were before.

Real seconds would not do: the workers' clock runs ahead, and a lag of the platform must stay within the bounds that the
swap's rules go by (`engine/steps/traffic.py`).
"""

from datetime import datetime, timedelta
from time import monotonic, sleep
from typing import Any

import httpx

from local.azure_simulator.launch import RunningSimulator

SITE, SLOT = "demo", "last-good"
GOOD, BAD = "b1", "b2"
_SWAP_TAKES = timedelta(seconds=14)
_SETTINGS_LAG = timedelta(seconds=11)
_SOON_S = 10.0


class SlowSwaps:
    """The swaps of one site."""

    def __init__(self, simulator: RunningSimulator) -> None:
        self._simulator = simulator
        self._swap_ends_at: datetime | None = None
        self._told_at: datetime | None = None

    def put_bad_in(self) -> None:
        """Whoever deploys swaps the bad build in; the next swap takes its time."""
        self._simulator.control("DELETE", "/faults")
        self._wait_until_at_rest()
        if self._site["production_build"] == GOOD:
            self._swap()
            self._wait_until_at_rest()
        self._simulator.control("POST", "/faults", {"api": "swap", "kind": "stuck"})
        self._swap_ends_at = self._told_at = None

    def age(self, now: datetime) -> None:
        """Let happen what has happened by now."""
        if self._swap_ends_at is None and self._site["in_progress_operation_id"]:
            self._swap_ends_at = now + _SWAP_TAKES
        if self._told_at is None and self._swap_ends_at and now >= self._swap_ends_at:
            self._end_swap()
            self._told_at = self._swap_ends_at + _SETTINGS_LAG
        if self._told_at and now >= self._told_at:
            self._simulator.control("DELETE", "/faults")

    def _end_swap(self) -> None:
        self._simulator.control("DELETE", "/faults")
        self._simulator.control("POST", "/faults", {"api": "app_settings", "kind": "stale"})
        self._wait_until_at_rest()

    @property
    def _site(self) -> Any:
        return self._simulator.control("GET", "/state")["sites"][SITE]

    def _wait_until_at_rest(self) -> None:
        until = monotonic() + _SOON_S
        while self._site["in_progress_operation_id"]:
            assert monotonic() < until, "the swap does not end"
            sleep(0.01)

    def _swap(self) -> None:
        simulator, audience = self._simulator, "https://management.azure.com"
        token = httpx.get(
            simulator.identity_endpoint,
            params={"resource": audience, "api-version": "2019-08-01"},
            headers={"X-IDENTITY-HEADER": simulator.identity_header},
        ).json()["access_token"]
        httpx.post(
            f"{simulator.url}{self._site['resource_id']}/slots/{SLOT}/slotsswap",
            params={"api-version": "2024-11-01"},
            headers={"Authorization": f"Bearer {token}"},
            json={"targetSlot": "production", "preserveVnet": True},
        ).raise_for_status()
