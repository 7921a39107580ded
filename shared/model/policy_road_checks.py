"""What is wrong with the roads, levels and checks of a policy that no single field can see."""

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter

from shared.model.journey_problems import host_part, journey_problems
from shared.model.policy import Policy
from shared.model.policy_approval import approval_problems
from shared.model.policy_levels import EMERGENCY, SITE, SLOT_SWAP, Level
from shared.model.policy_problem import Place, Problem
from shared.model.policy_roads import (
    AppConfigurationRoad,
    DnsRoad,
    HookRoad,
    SlotSwapRoad,
    SlotTrafficRoad,
)
from shared.model.policy_verify import Check, ClientCheck, GetCheck, HoldsCheck, JourneyCheck
from shared.model.strict import host_of


def road_problems(policy: Policy) -> Iterator[Problem]:
    """Yield what is wrong with the roads and with what the levels make of them."""
    for name, road in policy.roads.items():
        place: Place = ("roads", name)
        if isinstance(road, HookRoad):
            yield from unreachable(policy, (*place, "hook"), road.hook)
            yield from unreachable(policy, (*place, "read_back"), road.read_back)
        if isinstance(road, DnsRoad) and "@" in road.records and road.records["@"].cname:
            yield Problem((*place, "records", "@"), "a zone itself cannot be a CNAME; expected `a: [address]`")
    for number, level in policy.levels.by_number.items():
        place = ("levels", str(number))
        yield from _steering_problems(policy, place, level)
        yield from _swap_problems(policy, place, level)
        yield from _order_problems(policy, place, level)
        if level.drill.on == policy.workload:
            yield Problem((*place, "drill", "on"), "it names this workload itself; expected one that may be taken back")
        yield from _proof_problems(policy, place, level)
        for name, check in level.verify.checks.items():
            yield from check_problems(policy, level, (*place, "verify", "checks", name), check)


def promotion_problems(policy: Policy) -> Iterator[Problem]:
    """Yield what is wrong with how a new build goes forward."""
    promotion, place = policy.promotion, ("promotion",)
    if promotion is None:
        return
    road = policy.all_roads.get(promotion.road) if promotion.road else None
    if promotion.road and not isinstance(road, SlotTrafficRoad | AppConfigurationRoad):
        text = f"{promotion.road!r} gives no shares; expected a road of slot_traffic or app_configuration"
        yield Problem((*place, "road"), text)
    if isinstance(road, SlotTrafficRoad) and road.slot_traffic != promotion.slot:
        yield Problem((*place, "road"), f"it leads to slot {road.slot_traffic}, not to {promotion.slot}")
    # What goes forward must be able to come back.
    back = policy.levels.traffic.all_roads
    if promotion.road and road and promotion.road not in back:
        yield Problem(
            (*place, "road"), f"level 1 does not take {promotion.road!r}, so that its share could not come back"
        )
    if promotion.slot and not any(isinstance(policy.all_roads.get(name), SlotSwapRoad) for name in back):
        yield Problem((*place, "slot"), "level 1 has no slot swap: what is swapped in could not come back")
    for name, check in promotion.smoke.items():
        yield from check_problems(policy, policy.levels.traffic, (*place, "smoke", name), check)


def people_problems(policy: Policy) -> Iterator[Problem]:
    """Yield what is wrong with how people are asked."""
    for number, level in policy.levels.by_number.items():
        if level.approval is not None:
            place: Place = ("levels", str(number), "approval")
            yield from approval_problems(place, number, level.approval, policy.levels.above(number))
    yield from approval_problems(("approvals", "warning"), 1, policy.approvals.warning, policy.levels.above(1))


def _steering_problems(policy: Policy, place: Place, level: Level) -> Iterator[Problem]:
    if level.roads and SITE in level.components:
        yield Problem((*place, "roads"), "the component site stands here and in `components`; expected it once")
    if EMERGENCY in level.components:
        text = f"{EMERGENCY!r} is kept for the roads of `emergency`; expected another name"
        yield Problem((*place, "components", EMERGENCY), text)
    groups: list[tuple[Place, tuple[str, ...]]] = [
        ((*place, "roads"), level.steered.get(SITE, ()) if SITE not in level.components else ()),
        *(((*place, "components", name), roads) for name, roads in level.components.items()),
        ((*place, "emergency"), level.emergency),
    ]
    seen: set[str] = set()
    for where, roads in groups:
        if not roads and where[-1] not in ("roads", "emergency"):
            yield Problem(where, "no road; expected at least one")
        for road in roads:
            if road not in policy.all_roads:
                yield Problem(where, _unknown_road(policy, road))
            elif road in seen:
                yield Problem(where, f"the road {road!r} is taken twice in this level; expected once")
            seen.add(road)


def _order_problems(policy: Policy, place: Place, level: Level) -> Iterator[Problem]:
    known = ", ".join(level.steered)
    for name, others in level.after.items():
        unknown = [other for other in (name, *others) if other not in level.steered]
        for other in unknown:
            yield Problem((*place, "after", name), f"unknown component {other!r}; expected one of: {known}")
    waits = {name: policy.waits_for(level, name) for name in level.steered}
    try:
        TopologicalSorter(waits).prepare()
    except CycleError as error:
        yield Problem((*place, "after"), f"these wait for each other: {', '.join(sorted(set(error.args[1])))}")


def _swap_problems(policy: Policy, place: Place, level: Level) -> Iterator[Problem]:
    """Two of them would swap against each other: one does not know of the other's doubt."""
    swaps = [name for name in level.all_roads if isinstance(policy.all_roads.get(name), SlotSwapRoad)]
    if len(swaps) > 1:
        text = f"{', '.join(swaps)} are all slot swaps, and a site carries out one at a time; expected one in a level"
        yield Problem((*place, "roads"), text)


def _unknown_road(policy: Policy, road: str) -> str:
    if road == SLOT_SWAP:
        return f"the road {SLOT_SWAP} needs the slot that holds the known good; expected site.good_slot"
    return f"unknown road {road!r}; expected one of: {', '.join(sorted(policy.all_roads)) or 'none is defined'}"


def _proof_problems(policy: Policy, place: Place, level: Level) -> Iterator[Problem]:
    """A flag that is read back says nothing of what people get: the site must be asked."""
    roads = [policy.all_roads[name] for name in level.all_roads if name in policy.all_roads]
    if any(isinstance(road, AppConfigurationRoad) for road in roads) and not level.verify.checks:
        text = "a feature flag is seen by the site's own answers; expected at least one check of them"
        yield Problem((*place, "verify"), text)


def check_problems(policy: Policy, level: Level, place: Place, check: Check) -> Iterator[Problem]:
    """Yield what is wrong with a check: whom it asks, what it speaks of, its variables."""
    if check.component is not None and check.component not in level.steered:
        known = ", ".join(level.steered)
        yield Problem((*place, "component"), f"unknown component {check.component!r}; expected one of: {known}")
    if isinstance(check, HoldsCheck) and check.holds not in policy.all_roads:
        yield Problem((*place, "holds"), _unknown_road(policy, check.holds))
    if isinstance(check, HoldsCheck) and isinstance(policy.all_roads.get(check.holds), SlotSwapRoad):
        yield Problem((*place, "holds"), "a swap is no state that holds; expected a check of `client`s")
    if isinstance(check, ClientCheck) and check.at is not None:
        yield from unreachable(policy, (*place, "at"), check.at)
    if isinstance(check, GetCheck | JourneyCheck):
        problems = list(journey_problems(check))
        yield from (Problem(place, text) for text in problems)
        for target in () if problems else _targets(check):
            yield from unreachable(policy, place, target)


def _targets(check: GetCheck | JourneyCheck) -> Iterator[str]:
    if isinstance(check, GetCheck):
        yield check.get
    else:
        yield from (request.target for request in (*check.journey, *check.clean_up))


def unreachable(policy: Policy, place: Place, target: str) -> Iterator[Problem]:
    """An address elsewhere than on the site must be on a host that the policy names."""
    if not host_part(target):
        return
    try:
        host = host_of(target)
    except ValueError:
        yield Problem(place, "an address of no host; expected http or https, a host, perhaps a port")
        return
    if host not in policy.named_hosts:
        yield Problem(place, f"the host {host} is not named; expected it in reach.hosts")
