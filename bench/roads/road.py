"""What a bench knows of a kind of road: its part of the world, its policy, and how traffic gets on the bad side."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local.azure_simulator.config import Timings
from local.rig.rig import Rig

type Json = dict[str, Any]

GOOD_BUILD = "good"
# The site behind all those whose road leads past it.
SHARED_SITE = "shop"


@dataclass(frozen=True, slots=True)
class Place:
    """Where one workload lives."""

    rig: Rig
    workload: str

    def control(self, method: str, path: str, body: Json | None = None) -> Any:
        """Ask the simulator's control endpoint."""
        return self.rig.simulator.control(method, path, body)

    def site(self, url: str | None = None, **more: str) -> Json:
        """Return the `site` of a policy; each guards a resource of its own, even where nothing asks ARM for it.

        Args:
            url: Where users reach it; the front door of the shared site if none is given.
        """
        url = url or self.rig.simulator.front_doors[SHARED_SITE]
        return {"resource": self.rig.site_id(self.workload), "url": url, **more}


@dataclass(frozen=True, slots=True, kw_only=True)
class Road:
    """One kind.

    Attributes:
        lanes: Workloads that take it at the same time.
        rounds: How often each of them does.
        platform_s: Simulated seconds that pass in the platform, whoever asks it.
        world: The parts of the simulator's configuration that workloads of these names need.
        policy: `site`, `roads` and `levels` of a workload's policy.
        steer_away: Puts traffic on the build of that name, behind everybody's back.
    """

    lanes: int
    rounds: int
    platform_s: Mapping[str, float]
    world: Callable[[Sequence[str]], Json]
    policy: Callable[[Place], Json]
    steer_away: Callable[[Place, str], None]


def simulated(*timings: str) -> dict[str, float]:
    """Return the simulator's usual timings of these names."""
    usual = Timings().model_dump()
    return {name: usual[name] for name in timings}


def level(*roads: str, **more: Any) -> Json:
    """Return the `levels` of a policy whose level 1 takes these roads."""
    return {"1": {"roads": list(roads), **more}}
