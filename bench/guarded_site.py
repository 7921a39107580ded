"""One guarded site of the rig and what a bench does to it; times are those of the workload's own history."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from bench.history import first_event, moment_of
from local.demo.world import AppView, World
from local.rig.rig import Rig

_FAIL_SHARE = 0.5
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
        self._world = World(rig, site=workload)
        self._chance = random.Random(workload)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._world.close()

    def broken_and_taken_back(self, good: str, bad: str) -> Times:
        """Release a bad build, break it, and wait until it is verified that people see the good one.

        Raises:
            TimeoutError: three minutes were not enough.
            LookupError: it was verified without a rule that fired.
        """
        self._world.deploy(good, slot="last-good")
        self._world.deploy(bad)
        self._world.announce(bad, good)
        self._wait("quiet", lambda shown: shown.verdict == "healthy" and shown.production_build == bad)
        time.sleep(self._chance.uniform(0, _TICK_S))
        fault = datetime.now(UTC)
        self._world.break_build(bad, _FAIL_SHARE)
        shown = self._wait("verified", lambda shown: first_event(shown, "verified", fault) is not None)
        self._world.heal_build(bad)
        return Times(fault, moment_of(shown, "firing", fault), moment_of(shown, "verified", fault))

    def _wait(self, what: str, holds: Callable[[AppView], bool]) -> AppView:
        """Return the first view for which it holds."""
        until = time.monotonic() + _ENDS_WITHIN_S
        while (shown := self._world.app()) is None or not holds(shown):
            if time.monotonic() > until:
                raise TimeoutError(f"{self._workload} is not {what}: {_said(shown)}")
            time.sleep(_LOOK_EVERY_S)
        return shown


def _said(shown: AppView | None) -> str:
    return "the app does not answer" if shown is None else f"{shown.sentence}; {shown.events[:3]}"
