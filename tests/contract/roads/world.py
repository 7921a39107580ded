"""What every road's world has, and a worker in it: one adapter, with the few words that the tests need.

A world is a simulator, a policy with one road, and somebody who steers traffic to the bad side. What kind of road it
is, each `*_world.py` says.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Any

from local.azure_simulator.config import SimulatorConfig, SiteConfig, SlotConfig, Throttling
from local.azure_simulator.launch import RunningSimulator, launch_simulator
from shared.adapters.azure_clients import ArmAccess
from shared.model.policy import Policy
from shared.model.policy_roads import RoadBase
from shared.model.policy_text import read_policy
from shared.ports import Aim, Fence, RoadPicture, Routing

ARM_AUDIENCE = "https://management.azure.com"
# Tests ask more often than any worker does.
_AMPLE = Throttling(read_bucket=100_000, write_bucket=100_000, key_value_bucket=100_000)
_SOON_S = 10.0
_POLICY = """\
workload: shop
site: {{resource: "{site}", url: "{url}"}}
signals:
  error_rate: {{probe: /health, share: failed}}
triggers:
  critical: [{{name: errors, when: error_rate > 5%}}]
"""

type Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoadWorld[R: RoadBase = Any]:
    """A road in a world of its own, with the few words that the laws need.

    Attributes:
        environment: What must stand in the environment for the SDKs to find the simulator's identity.
        new_routing: The adapter as another worker has it, with nothing in memory.
        steer_away: Somebody steers traffic to the bad side, without asking anybody.
        seen_good: Whether people are served the good side: asked from outside, never through the adapter.
        effects: How many calls that change something arrived so far.
        reset: Nothing goes wrong any more, and everything takes as long as at first.
        read_api, write_api: The names under which the simulator's faults know the calls of the two methods.
    """

    simulator: RunningSimulator
    environment: Mapping[str, str]
    policy: Policy
    road: R
    aim: Aim
    new_routing: Callable[[], Routing[Any]]
    steer_away: Callable[[], None]
    seen_good: Callable[[], bool]
    effects: Callable[[], int]
    reset: Callable[[], None]
    read_api: str
    write_api: str


@contextmanager
def launched[R: RoadBase](
    config: SimulatorConfig,
    kind: type[R],
    *,
    policy: Callable[[RunningSimulator], Policy],
    routing: Callable[[RunningSimulator], Routing[Any]],
    steer_away: Callable[[RunningSimulator], None],
    seen_good: Callable[[RunningSimulator], bool],
    read_api: str,
    write_api: str,
) -> Iterator[RoadWorld[R]]:
    """Run a world whose policy has one road, of that kind."""
    ample = config.model_copy(update={"throttling": _AMPLE})
    with launch_simulator(ample) as simulator:
        read = policy(simulator)
        ((name, road),) = read.roads.items()
        assert isinstance(road, kind)
        yield RoadWorld(
            simulator=simulator,
            environment=simulator.identity_environment,
            policy=read,
            road=road,
            aim=aim_of(name),
            new_routing=lambda: routing(simulator),
            steer_away=lambda: steer_away(simulator),
            seen_good=lambda: seen_good(simulator),
            effects=lambda: int(simulator.control("GET", "/state")["calls"].get(write_api, 0)),
            reset=lambda: _reset(simulator, ample),
            read_api=read_api,
            write_api=write_api,
        )


def _reset(simulator: RunningSimulator, config: SimulatorConfig) -> None:
    simulator.control("DELETE", "/faults")
    simulator.control("PUT", "/permissions", {"denied": []})
    simulator.control("PUT", "/timings", config.timings.model_dump())
    simulator.control("PUT", "/throttling", config.throttling.model_dump())


def aim_of(component: str) -> Aim:
    return Aim(rollback_id="r1", component=component, known_good="b1", road=component)


def site_with(*, name: str = "demo", **builds: str) -> SiteConfig:
    """A site whose slots serve these builds; production serves b1 if it is not named."""
    slots = {"production": "b1"} | builds
    return SiteConfig(name=name, slots={slot: SlotConfig(build=build) for slot, build in slots.items()})


def shop_policy(
    simulator: RunningSimulator,
    roads: str,
    *,
    site: str = "demo",
    url: str | None = None,
    settings: Mapping[str, str] = {},
) -> Policy:
    """Read a policy with roads and levels as their text says; people reach the site at `url`, or where it listens."""
    resource = simulator.control("GET", "/state")["sites"][site]["resource_id"]
    text = _POLICY.format(site=resource, url=url or simulator.front_doors[site])
    return read_policy(text + roads, file="shop.yaml", settings=settings)


def arm_at(url: str) -> ArmAccess:
    return ArmAccess(url, ARM_AUDIENCE)


def wait_until(holds: Callable[[], bool]) -> None:
    until = monotonic() + _SOON_S
    while not holds():
        assert monotonic() < until, "it never came to be"
        sleep(0.02)


class Worker[R: RoadBase = Any]:
    """A worker with an adapter of its own; `others` are values of the road that are not the policy's."""

    def __init__(self, world: RoadWorld[R]) -> None:
        self.world = world
        self.simulator = world.simulator
        self.control = world.simulator.control
        self.policy = world.policy
        self.road = world.road
        self.aim = world.aim
        self.routing = world.new_routing()

    def look(self, **others: Any) -> RoadPicture:
        return self.routing.look(self.policy, self.road.model_copy(update=others), self.aim)

    def establish(self, fence: Fence = lambda: None, **others: Any) -> None:
        self.routing.establish(self.policy, self.road.model_copy(update=others), self.aim, fence)

    def fault(self, api: str, kind: str, **more: Any) -> None:
        """Once, if nothing else is said."""
        self.control("POST", "/faults", {"api": api, "kind": kind, "times": 1, **more})

    def deny(self, action: str) -> None:
        """Take from the app's identity what a role gives it."""
        self.control("PUT", "/permissions", {"denied": [action]})

    def timings(self, **seconds: float) -> None:
        self.control("PUT", "/timings", seconds)

    def written(self) -> list[tuple[str, Any]]:
        """What Azure carried out so far, in its order: the name of what was changed, and how."""
        return [(change["name"], change["properties"]) for change in self.control("GET", "/state")["changes"]]
