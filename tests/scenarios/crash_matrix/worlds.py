"""The world of each road: those of the roads' contract, and one for the slot swap."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import httpx

from local.azure_simulator import config as simulated
from local.azure_simulator.launch import RunningSimulator, launch_simulator
from shared.model.checkpoint import Checkpoints
from shared.model.policy import Notify, Policy
from shared.model.policy_text import read_policy
from shared.model.run import RunStatus
from tests.contract.roads.app_configuration_world import app_configuration_world
from tests.contract.roads.dns_world import dns_world
from tests.contract.roads.front_door_world import front_door_world
from tests.contract.roads.hook_world import hook_world
from tests.contract.roads.slot_traffic_world import slot_traffic_world
from tests.contract.roads.traffic_manager_world import traffic_manager_world
from tests.contract.roads.world import RoadWorld
from tests.scenarios.crash_matrix.slow_swaps import BAD, GOOD, SITE, SLOT, SlowSwaps

_AMPLE = {"read_bucket": 100_000, "write_bucket": 100_000, "key_value_bucket": 100_000}
# What takes a moment in these worlds would take long in the workers' time, which runs ahead.
_AT_ONCE = ("afd_propagation_s", "afd_propagation_step_s", "dns_propagation_s", "dns_stagger_s", "feature_refresh_s")
_POLICY = """\
workload: shop
site: {{resource: "{site}", url: "{url}", good_slot: last-good}}
signals:
  error_rate: {{probe: /health, share: failed}}
triggers:
  critical: [{{name: errors, when: error_rate > 5%}}]
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forward:
    """What goes forward in a world of promotions.

    Attributes:
        fires_at: The stage in which a trigger fires, so that it goes back; none if empty.
    """

    build: str
    known_good: str
    fires_at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrashWorld:
    """A world in which a road is taken again and again.

    Attributes:
        steer_away: Puts people on the bad side, as at the start of every run.
        seen_good: Whether people are served the good side: asked from outside, never through an adapter.
        age: Lets happen in the world what takes until then.
        forward: What is promoted there; `None` where something is taken back.
        level: The level that is taken.
        then: The level that takes its place once writers are kept out of a database; none if 0.
        ends: How a run without a crash ends.
        checkpoints: From when on rows can go back there; `None` where none do.
        rows: What became of them, whoever did it.
    """

    simulator: RunningSimulator
    policy: Policy
    steer_away: Callable[[], None]
    seen_good: Callable[[], bool]
    age: Callable[[datetime], None]
    forward: Forward | None = None
    level: int = 1
    then: int = 0
    ends: RunStatus = RunStatus.VERIFIED
    checkpoints: Checkpoints | None = None
    rows: Callable[[], Any] = lambda: None


@contextmanager
def _slot_swap_world() -> Iterator[CrashWorld]:
    slots = {"production": simulated.SlotConfig(build=BAD), SLOT: simulated.SlotConfig(build=GOOD)}
    config = simulated.SimulatorConfig(
        sites=[simulated.SiteConfig(name=SITE, slots=slots)],
        timings=simulated.Timings(swap_s=0.0, swap_jitter_s=0.0),
    )
    with launch_simulator(config) as simulator:
        swaps, url = SlowSwaps(simulator), simulator.front_doors[SITE]
        site = simulator.control("GET", "/state")["sites"][SITE]["resource_id"]
        yield CrashWorld(
            simulator=simulator,
            policy=read_policy(_POLICY.format(site=site, url=url), file="shop.yaml", settings={}),
            steer_away=swaps.put_bad_in,
            seen_good=lambda: httpx.get(url).headers["x-build-id"] == GOOD,
            age=swaps.age,
        )


@contextmanager
def _of_contract(world: AbstractContextManager[RoadWorld]) -> Iterator[CrashWorld]:
    with world as running:
        running.simulator.control("PUT", "/timings", dict.fromkeys(_AT_ONCE, 0.0))

        def steer_away() -> None:
            running.steer_away()
            running.simulator.control("DELETE", "/resolvers/caches")

        yield CrashWorld(
            simulator=running.simulator,
            policy=running.policy,
            steer_away=steer_away,
            seen_good=running.seen_good,
            age=lambda _: None,
        )


def _promotion(*, goes_back: bool) -> AbstractContextManager[CrashWorld]:
    from tests.scenarios.crash_matrix.promotions import promotion_world

    return promotion_world(goes_back=goes_back)


def _rows(*, end_early: bool = False, give_way: bool = False) -> AbstractContextManager[CrashWorld]:
    from tests.scenarios.crash_matrix.rows import rows_world

    return rows_world(end_early=end_early, give_way=give_way)


_WORLDS: dict[str, Callable[[], AbstractContextManager[CrashWorld]]] = {
    "slot_swap": _slot_swap_world,
    "slot_traffic": lambda: _of_contract(slot_traffic_world()),
    "traffic_manager": lambda: _of_contract(traffic_manager_world()),
    "front_door": lambda: _of_contract(front_door_world()),
    "dns": lambda: _of_contract(dns_world()),
    "app_configuration": lambda: _of_contract(app_configuration_world()),
    "hook": lambda: _of_contract(hook_world()),
    "promotion": lambda: _promotion(goes_back=False),
    "promotion that goes back": lambda: _promotion(goes_back=True),
    "rows": _rows,
    "rows that do not go back": lambda: _rows(end_early=True),
    "rows that give way": lambda: _rows(give_way=True),
}
ROADS = tuple(_WORLDS)


@contextmanager
def world_of(road: str) -> Iterator[CrashWorld]:
    """Run the world of a road: one that refuses nobody for asking often, with a policy that tells people."""
    with _WORLDS[road]() as world:
        world.simulator.control("PUT", "/throttling", _AMPLE)
        telling = world.policy.model_copy(update={"notify": Notify(to=("webhook:ops",))})
        yield replace(world, policy=telling)
