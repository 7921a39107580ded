"""What is wrong with the databases of a policy, and with the roads that take their rows back."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import combinations

from shared.model.conninfo import place_of
from shared.model.policy import Policy
from shared.model.policy_levels import Level
from shared.model.policy_problem import Place, Problem
from shared.model.policy_roads import DataSyncRoad
from shared.model.quantity import say_duration

_SHORTEST = timedelta(seconds=60)


def data_problems(policy: Policy) -> Iterator[Problem]:
    """Yield what is wrong with databases, and with roads and levels as far as rows go."""
    roads = {name: road for name, road in policy.all_roads.items() if isinstance(road, DataSyncRoad)}
    for name, road in roads.items():
        yield from _road_problems(policy, name, road)
    for number, level in policy.levels.by_number.items():
        yield from _level_problems(("levels", str(number)), level, roads)
    yield from _overlaps(policy)


def _road_problems(policy: Policy, name: str, road: DataSyncRoad) -> Iterator[Problem]:
    place = ("roads", name)
    if road.data_sync not in policy.databases:
        known = ", ".join(policy.databases) or "none is defined"
        yield Problem((*place, "data_sync"), f"unknown database {road.data_sync!r}; expected one of: {known}")
    if road.give_up_after < _SHORTEST:
        yield Problem((*place, "give_up_after"), "rows do not go back so soon: expected at least 60s")


def _level_problems(place: Place, level: Level, roads: dict[str, DataSyncRoad]) -> Iterator[Problem]:
    """What takes rows back is alone in its component, has time, and never races with another over one database."""
    for component, names in level.steered.items():
        if roads.keys() & set(names) and len(names) > 1:
            what = "rows and other roads do not stand in for each other: expected a component of its own"
            yield Problem((*place, "components", component), what)
    for name in level.emergency:
        if name in roads:
            yield Problem((*place, "emergency"), f"{name} takes rows back, which is no last resort of traffic")
    taken = [roads[name].data_sync for name in level.all_roads if name in roads]
    for name in sorted({one for one in taken if taken.count(one) > 1}):
        yield Problem((*place, "components"), f"two roads take back the rows of {name}: expected one")
    if taken and level.budget < _SHORTEST:
        yield Problem((*place, "budget"), f"rows do not go back in {say_duration(level.budget)}: expected at least 60s")


def _overlaps(policy: Policy) -> Iterator[Problem]:
    """Two entries on one database would fence and capture each other's tables; a chain would undo itself."""
    places = {name: (place_of(one.source), place_of(one.target)) for name, one in policy.databases.items()}
    for name, (source, target) in places.items():
        if source == target and source is not None:
            yield Problem(("databases", name), "source and target are the same database")
    for (one, mine), (other, theirs) in combinations(places.items(), 2):
        if (set(mine) & set(theirs)) - {None}:
            yield Problem(("databases", other), f"it shares a database with {one}: expected one entry for both")
