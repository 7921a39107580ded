"""What a level needs to be taken: its roads, its roles, fresh signals, a rehearsal, checks that can be asked."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from pydantic import BaseModel

from shared.decision.readiness_swaps import not_told, swap_findings
from shared.errors import ControllerError
from shared.model.journey_problems import host_part
from shared.model.policy import Policy
from shared.model.policy_levels import EMERGENCY, Level
from shared.model.policy_readiness import Freshness
from shared.model.policy_roads import AppConfigurationRoad, FrontDoorRoad, HookRoad, RoadBase, SlotSwapRoad
from shared.model.policy_verify import CheckBase, ClientCheck, GetCheck, JourneyCheck
from shared.model.quantity import parse_quantity, say_apart, say_duration, say_span
from shared.model.readiness import Finding, Kept
from shared.model.readiness_facts import RoadSeen, Told, World
from shared.model.signal import Outcome
from shared.model.strict import host_of
from shared.model.watch import WatchState

# What an app setting holds while its reference to a vault leads nowhere.
# https://learn.microsoft.com/azure/app-service/app-service-key-vault-references
_UNRESOLVED = "@Microsoft.KeyVault("


@dataclass(frozen=True, slots=True, kw_only=True)
class Needed:
    """A level, and what is known and seen when it is asked about.

    Attributes:
        good: The build that it would go back to; empty when there is none.
    """

    policy: Policy
    number: int
    good: str
    state: WatchState
    kept: Kept
    world: World
    now: datetime

    @property
    def level(self) -> Level:
        return self.policy.level(self.number)


def level_findings(needed: Needed) -> Iterator[Finding]:
    """Yield what was found of a level."""
    level = needed.level
    for component, roads in {**level.steered, EMERGENCY: level.emergency}.items():
        for name in roads:
            for finding in _road_findings(needed, name):
                yield replace(finding, component=component, road=name)
    for signal, wanted in level.readiness.fresh.items():
        yield _fresh(needed, signal, wanted)
    if level.readiness.rehearsed_within is not None:
        yield _rehearsed(needed)
    for check_name, check in level.verify.checks.items():
        yield _askable(needed, check_name, check)


def hosts_of(policy: Policy, level: Level) -> frozenset[str]:
    """Return the hosts that the checks and roads of a level ask."""
    checks = (hosts_of_check(policy, check) for check in level.verify.checks.values())
    roads = (hosts_of_road(policy.all_roads[name]) for name in level.all_roads)
    return frozenset({host_of(policy.site.url)}.union(*checks, *roads))


def hosts_of_check(policy: Policy, check: CheckBase) -> frozenset[str]:
    """Return the hosts that a check asks."""
    match check:
        case ClientCheck():
            targets = [check.at or policy.site.url]
        case GetCheck():
            targets = [check.get]
        case JourneyCheck():
            targets = [request.target for request in (*check.journey, *check.clean_up)]
        case _:
            return frozenset()
    return frozenset(host_of(target if host_part(target) else policy.site.url) for target in targets)


def hosts_of_road(road: RoadBase) -> frozenset[str]:
    """Return the hosts that a road and its proofs ask by name; those of Azure are not among them."""
    match road:
        case HookRoad():
            return frozenset({host_of(road.hook), host_of(road.read_back)})
        case FrontDoorRoad():
            return frozenset({host_of(road.url)})
        case _:
            return frozenset()


def _road_findings(needed: Needed, name: str) -> Iterator[Finding]:
    road = needed.policy.all_roads[name]
    if isinstance(road, SlotSwapRoad):
        seen = needed.world.swaps[name]
        if isinstance(seen, ControllerError):
            yield not_told("slot", seen)
        else:
            yield from swap_findings(needed.policy, road, needed.good, seen, needed.kept.baseline)
    else:
        yield _stands(needed.world.roads[name])
    yield _may(needed, name, road)
    if why := _cannot_be_asked(needed, hosts_of_road(road)) or _secret_missing(road):
        yield Finding(name="reach", ok=False, says=why)


def _stands(seen: Told[RoadSeen]) -> Finding:
    if isinstance(seen, ControllerError):
        return not_told("road", seen)
    if seen.why_not is not None:
        return Finding(name="road", ok=False, says=seen.why_not)
    if seen.busy:
        return Finding(name="road", ok=False, says="the platform is still carrying out a change there")
    return Finding(
        name="road", ok=True, says="is as the policy wants it" if seen.established else "can be taken, and would be set"
    )


def _may(needed: Needed, name: str, road: RoadBase) -> Finding:
    """Whoever may not even read what it may do has no proof of anything."""
    if isinstance(road, AppConfigurationRoad) and name not in needed.policy.readiness.scopes:
        says = f"nobody knows what its role is: expected the store's ARM id in readiness.scopes.{name}"
        return Finding(name="roles", ok=None, says=says)
    lacking = needed.world.lacking[name]
    if isinstance(lacking, ControllerError):
        return Finding(name="roles", ok=None, says=str(lacking))
    says = f"no role gives {', '.join(lacking)}" if lacking else "the roles are there"
    return Finding(name="roles", ok=not lacking, says=says)


def _fresh(needed: Needed, signal: str, wanted: Freshness) -> Finding:
    name = f"fresh:{signal}"
    samples = [one for one in needed.state.series.get(signal, ()) if one.outcome is Outcome.MEASURED]
    if not samples:
        return Finding(name=name, ok=False, says=f"{signal} was not measured within {say_duration(wanted.within)}")
    newest = max(samples, key=lambda sample: sample.at)
    age = needed.now - newest.at
    if age > wanted.within:
        says = f"{signal} was last measured {say_span(age)} ago; expected at most {say_duration(wanted.within)}"
        return Finding(name=name, ok=False, says=says)
    if wanted.below is not None and newest.value is not None:
        dimension = needed.policy.signals[signal].measures.dimension
        limit = parse_quantity(wanted.below, dimension)
        said, said_limit = say_apart(newest.value, limit, dimension)
        if newest.value >= limit:
            return Finding(name=name, ok=False, says=f"{signal} is {said}; expected less than {said_limit}")
    return Finding(name=name, ok=True, says=f"{signal} was measured {say_span(age)} ago")


def _rehearsed(needed: Needed) -> Finding:
    within, number = needed.level.readiness.rehearsed_within, needed.number
    drill = needed.kept.rehearsals.levels.get(number)
    if drill is None:
        return Finding(name="rehearsed", ok=False, says=f"level {number} was never rehearsed")
    if not drill.ok:
        return Finding(name="rehearsed", ok=False, says=f"the last rehearsal of level {number}: {drill.sentence}")
    age = needed.now - drill.at
    if within is not None and age > within:
        says = f"the last rehearsal of level {number} was on {drill.at:%Y-%m-%d}; it counts for {say_duration(within)}"
        return Finding(name="rehearsed", ok=False, says=says)
    return Finding(name="rehearsed", ok=True, says=f"level {number} was rehearsed on {drill.at:%Y-%m-%d}")


def _askable(needed: Needed, check_name: str, check: CheckBase) -> Finding:
    name = f"check:{check_name}"
    why = _cannot_be_asked(needed, hosts_of_check(needed.policy, check)) or _secret_missing(check)
    return Finding(name=name, ok=why is None, says=f"the check {check_name} {why or 'can be asked'}")


def _cannot_be_asked(needed: Needed, hosts: frozenset[str]) -> str | None:
    told = {host: needed.world.hosts[host] for host in sorted(hosts)}
    return next((f"cannot be asked: {why}" for why in told.values() if why is not None), None)


def _secret_missing(holder: BaseModel) -> str | None:
    if _UNRESOLVED not in holder.model_dump_json():
        return None
    return "has no secret: an app setting that it names is a reference to a vault that leads nowhere"
