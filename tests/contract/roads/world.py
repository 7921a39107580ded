"""What every kind of road looks like to the laws that hold for all of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from local.azure_simulator.launch import RunningSimulator
from shared.model.policy import Policy
from shared.model.policy_roads import RoadBase
from shared.ports import Aim, Routing


@dataclass(frozen=True, slots=True, kw_only=True)
class RoadWorld:
    """A road in a world of its own, with the few words that the laws need.

    Attributes:
        environment: What must stand in the environment for the SDKs to find the simulator's identity.
        new_routing: The adapter as another worker has it, with nothing in memory.
        steer_away: Somebody steers traffic to the bad side, without asking anybody.
        seen_good: Whether people are served the good side: asked from outside, never through the adapter.
        effects: How many calls that change something arrived so far.
        read_api, write_api: The names under which the simulator's faults know the calls of the two methods.
    """

    simulator: RunningSimulator
    environment: Mapping[str, str]
    policy: Policy
    road: RoadBase
    aim: Aim
    new_routing: Callable[[], Routing[Any]]
    steer_away: Callable[[], None]
    seen_good: Callable[[], bool]
    effects: Callable[[], int]
    read_api: str
    write_api: str
