"""One guarded site of the rig and what a bench does to it; times are those of the workload's own history."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import httpx

from local.rig.rig import Rig

RULE = timedelta(seconds=10)
BAD_BUILD_SHARE = 0.5
_TICK_S = 10.0
_ENDS_WITHIN_S = 180.0
_LOOK_EVERY_S = 0.5


@dataclass(frozen=True, slots=True)
class Times:
    """When it broke, when the rule fired, when the good build was seen from outside again."""

    fault: datetime
    firing: datetime
    verified: datetime


class GuardedSite:
    """Deploys, breaks and watches one workload, whose name is also its site's."""

    def __init__(self, rig: Rig, workload: str) -> None:
        self._workload = workload
        self._control = httpx.Client(base_url=rig.control_url, timeout=30)
        self._api = httpx.Client(
            base_url=f"{rig.app_url}/api/workloads/{workload}",
            headers={"x-functions-key": rig.function_key},
            timeout=30,
        )
        self._chance = random.Random(workload)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._control.close()
        self._api.close()

    def broken_and_taken_back(self, good: str, bad: str, share: float) -> Times:
        """Release a bad build, break it, and wait until it is verified that people see the good one."""
        self._deploy("last-good", good)
        self._deploy("production", bad)
        self._told("POST", "/changes", {"build": bad, "known_good": good})
        self._wait("quiet", lambda shown: shown["verdict"] == "healthy" and shown["production_build"] == bad)
        time.sleep(self._chance.uniform(0, _TICK_S))
        fault = datetime.now(UTC)
        self._controlled("PUT", f"/builds/{bad}/faults", {"fail_share": share, "seed": 1})
        self._wait("verified", lambda shown: _event(shown, "verified", fault) is not None)
        self._controlled("DELETE", f"/builds/{bad}/faults")
        shown = self._shown()
        return Times(fault, _at(shown, "firing", fault), _at(shown, "verified", fault))

    def _deploy(self, slot: str, build: str) -> None:
        body = {"slot": slot, "build": build, "setting": True}
        self._controlled("POST", f"/sites/{self._workload}/deploy", body)

    def _controlled(self, method: str, path: str, body: dict[str, Any] | None = None) -> None:
        self._control.request(method, path, json=body).raise_for_status()

    def _told(self, method: str, path: str, body: dict[str, Any]) -> None:
        self._api.request(method, path, json=body).raise_for_status()

    def _shown(self) -> dict[str, Any]:
        shown: dict[str, Any] = self._api.get("").raise_for_status().json()
        return shown

    def _wait(self, what: str, holds: Callable[[dict[str, Any]], bool]) -> None:
        until = time.monotonic() + _ENDS_WITHIN_S
        while not holds(shown := self._shown()):
            if time.monotonic() > until:
                raise TimeoutError(f"{self._workload} is not {what}: {shown['sentence']}; {shown['events'][:3]}")
            time.sleep(_LOOK_EVERY_S)


def _event(shown: dict[str, Any], kind: str, since: datetime) -> dict[str, Any] | None:
    """Return the first event of a kind after a moment; the history shows the newest first."""
    after = (event for event in reversed(shown["events"]) if datetime.fromisoformat(event["at"]) > since)
    return next((event for event in after if event["kind"] == kind), None)


def _at(shown: dict[str, Any], kind: str, since: datetime) -> datetime:
    event = _event(shown, kind, since)
    if event is None:
        told = [f"{each['at']} {each['kind']}: {each['sentence']}" for each in shown["events"]]
        raise LookupError(f"{shown['name']} never was {kind} since {since:%H:%M:%S}; its history: {told}")
    return datetime.fromisoformat(event["at"])
