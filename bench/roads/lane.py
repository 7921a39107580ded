"""One workload whose traffic is steered to a bad build and taken back, over and over.

An alert says that the build is bad, twice: the rule is pending from the first, and fires at the second, whichever phase
the watch's tick is in. That it was taken back is known from the notification; asking all the time would be a load.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, Self

import httpx

from bench.alert_body import alert_body
from bench.history import moment_of
from bench.roads.road import GOOD_BUILD, Json, Place, Road
from bench.roads.steered_rig import COOL_DOWN_S, RULE_S
from local.demo.world import AppView
from local.rig.rig import Rig

# Longer than any TTL here, so that a round begins at any moment of what the platform repeats.
_BEGINS_WITHIN_S = 10.0
_PAST_THE_RULE_S = RULE_S + 0.2
_ENDS_WITHIN_S = 240.0
_LOOK_EVERY_S = 0.1
_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class TakenBack:
    """One rollback; times are those of the workload's own history."""

    rollback_id: str
    firing: datetime
    started: datetime
    verified: datetime


class Lane:
    """Steers one workload away and has it taken back."""

    def __init__(self, rig: Rig, road: Road, workload: str) -> None:
        self._place = Place(rig, workload)
        self._road = road
        self._api = httpx.Client(
            base_url=rig.app_url, headers={"x-functions-key": rig.function_key}, timeout=_TIMEOUT_S
        )
        self._chance = random.Random(workload)
        self._cool_at_s = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._api.close()

    def round(self, number: int) -> TakenBack:
        """Steer to a bad build, wait until that is taken back, and let the alert be resolved."""
        self.steer_away(f"{self._place.workload}-{number}")
        time.sleep(max(self._chance.uniform(0, _BEGINS_WITHIN_S), self._cool_at_s - time.monotonic()))
        return self.taken_back()

    def steer_away(self, bad: str) -> None:
        """Release a build, as a pipeline does, with all the traffic that it will get."""
        self._post(f"/api/workloads/{self._place.workload}/changes", {"build": bad, "known_good": GOOD_BUILD})
        self._road.steer_away(self._place, bad)

    def taken_back(self) -> TakenBack:
        """Let the alert fire and wait until it is verified that people see the good build.

        Raises:
            TimeoutError: four minutes were not enough.
            LookupError: it ended in another way; the message is the history.
        """
        since, told = datetime.now(UTC), len(self._told())
        self._alert("Fired")
        time.sleep(_PAST_THE_RULE_S)
        self._alert("Fired")
        self._wait(lambda: len(self._told()) > told)
        self._cool_at_s = time.monotonic() + COOL_DOWN_S
        self._alert("Resolved")
        shown = self._shown()
        run = shown.last_rollback.id if shown.last_rollback else ""
        firing, started, verified = (moment_of(shown, kind, since) for kind in ("firing", "started", "verified"))
        return TakenBack(run, firing, started, verified)

    def _told(self) -> list[Json]:
        return [each for each in self._place.rig.inbox.received if each["workload"] == self._place.workload]

    def _alert(self, condition: Literal["Fired", "Resolved"]) -> None:
        rule = self._place.workload
        body = alert_body(rule, f"{rule}-{time.time_ns()}", condition)
        self._post("/api/alerts", body)

    def _post(self, path: str, body: Json) -> None:
        self._api.post(path, json=body).raise_for_status()

    def _wait(self, holds: Callable[[], bool]) -> None:
        until = time.monotonic() + _ENDS_WITHIN_S
        while not holds():
            if time.monotonic() > until:
                raise TimeoutError(f"{self._place.workload} was not taken back: {self._shown().events[:5]}")
            time.sleep(_LOOK_EVERY_S)

    def _shown(self) -> AppView:
        answer = self._api.get(f"/api/workloads/{self._place.workload}").raise_for_status()
        return AppView.model_validate_json(answer.content)
