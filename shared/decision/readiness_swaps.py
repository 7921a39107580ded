"""What a swap needs: the known good in the slot, by its setting and by its answers, and settings that keep their side.

https://learn.microsoft.com/azure/app-service/deploy-staging-slots#which-settings-are-swapped
"""

from collections.abc import Iterator
from datetime import timedelta

from shared.errors import ControllerError, TransientError
from shared.model.policy import Policy
from shared.model.policy_roads import SlotSwapRoad
from shared.model.quantity import say_duration, say_moment
from shared.model.readiness import Baseline, Finding, StickySettings
from shared.model.readiness_facts import Answered, SiteSeen, SlotState, SwapSeen

_MOST_NAMED = 5


def swap_findings(
    policy: Policy, road: SlotSwapRoad, good: str, seen: SwapSeen, baseline: Baseline | None
) -> Iterator[Finding]:
    """Yield what was found of a road by slot swap.

    Args:
        good: The build that production would go back to; empty when there is none.
    """
    slot = road.slot_swap
    wanted = "" if is_filled_by_promotion(policy, slot, good, seen) else good
    yield from slot_findings(policy, slot, wanted, seen, baseline)


def slot_findings(
    policy: Policy, slot: str, wanted: str, seen: SwapSeen, baseline: Baseline | None
) -> Iterator[Finding]:
    """Yield what was found of a slot.

    Args:
        wanted: The build that it must hold and answer with; empty when it may be any.
    """
    yield from _site_findings(slot, wanted, seen.site)
    yield _preview(seen.state)
    yield from _answer_findings(slot, wanted, policy.readiness.warm_within, seen.answer)
    yield from _sticky_findings(policy.site.build.setting, slot, seen.sticky, baseline)


def not_told(name: str, error: ControllerError) -> Finding:
    """What may work a moment later is unknown; what never will is wrong."""
    return Finding(name=name, ok=None if isinstance(error, TransientError) else False, says=str(error))


def is_filled_by_promotion(policy: Policy, slot: str, good: str, seen: SwapSeen) -> bool:
    """Where a promotion swaps the new build in from the same slot, the known good gets there by that very swap."""
    if policy.promotion is None or policy.promotion.slot != slot or isinstance(seen.site, ControllerError):
        return False
    return good != "" and seen.site.production_build == good


def _site_findings(slot: str, wanted: str, seen: SiteSeen | ControllerError) -> Iterator[Finding]:
    if isinstance(seen, ControllerError):
        yield not_told("slot", seen)
        return
    if seen.slot_build is None:
        yield Finding(name="slot", ok=False, says=f"there is no slot {slot}")
    elif wanted and seen.slot_build != wanted:
        held = seen.slot_build or "a build without a name"
        yield Finding(name="slot", ok=False, says=f"slot {slot} holds {held}, not the known-good build {wanted}")
    else:
        live = seen.production_build or "a build without a name"
        yield Finding(name="slot", ok=True, says=f"slot {slot} holds {seen.slot_build}, production {live}")
    busy = f"the platform works on the site (operation {seen.operation_id})" if seen.operation_id else None
    yield Finding(name="operation", ok=busy is None, says=busy or "nothing is under way on the site")


def _preview(seen: SlotState | ControllerError) -> Finding:
    if isinstance(seen, ControllerError):
        return not_told("preview", seen)
    if seen.prepared:
        says = f"a swap with preview was prepared in slot {', '.join(seen.prepared)} and left: it keeps others out"
        return Finding(name="preview", ok=False, says=says)
    return Finding(name="preview", ok=True, says="no swap with preview is prepared")


def _answer_findings(
    slot: str, wanted: str, warm_within: timedelta, seen: Answered | ControllerError
) -> Iterator[Finding]:
    if isinstance(seen, ControllerError):
        yield not_told("answers", seen)
        return
    yield _served(slot, wanted, seen)
    took, limit = timedelta(milliseconds=seen.latency_ms), say_duration(warm_within)
    warm = seen.status is not None and took <= warm_within
    late = f"slot {slot} is cold: it took {took.total_seconds():.1f} s to answer; expected at most {limit}"
    if seen.reached:
        yield Finding(name="warm", ok=warm, says=f"slot {slot} answers within {limit}" if warm else late)


def _served(slot: str, wanted: str, seen: Answered) -> Finding:
    if not seen.reached:
        return Finding(name="answers", ok=None, says=f"slot {slot} could not be asked: {seen.note}")
    if seen.status is None or seen.status >= 500:
        said = seen.note or f"it answers {seen.status}"
        return Finding(name="answers", ok=False, says=f"slot {slot} does not serve: {said}")
    if wanted and seen.build != wanted:
        build = seen.build or f"{seen.status} and no build that is named"
        return Finding(name="answers", ok=False, says=f"slot {slot} answers with {build}, not with {wanted}")
    return Finding(name="answers", ok=True, says=f"slot {slot} answers with {seen.build or 'no build that is named'}")


def _sticky_findings(
    setting: str, slot: str, seen: StickySettings | ControllerError, baseline: Baseline | None
) -> Iterator[Finding]:
    if isinstance(seen, ControllerError):
        yield not_told("sticky", seen)
        return
    stays = setting in seen.names
    stuck = f"{setting} is sticky: a swap would leave it behind, and nobody could tell the builds apart"
    yield Finding(name="build_setting", ok=not stays, says=stuck if stays else f"{setting} moves with its build")
    yield _on_both_sides(slot, seen)
    yield _drift(slot, seen, baseline)


def _on_both_sides(slot: str, seen: StickySettings) -> Finding:
    one_sided = [
        f"{name} is missing in {side}"
        for side, held in (("production", seen.production), (f"slot {slot}", seen.slot))
        for name in seen.names
        if name not in held
    ]
    says = f"sticky settings are not on both sides: {_some(one_sided)}" if one_sided else "both sides have them"
    return Finding(name="sticky", ok=not one_sided, says=says)


def _drift(slot: str, seen: StickySettings, baseline: Baseline | None) -> Finding:
    before = baseline.slots.get(slot) if baseline else None
    if baseline is None or before is None:
        return Finding(name="drift", ok=True, says="the sticky settings are taken as they are now for the good ones")
    changed = [
        *(f"{name} of production" for name in _differing(before.production, seen.production)),
        *(f"{name} of slot {slot}" for name in _differing(before.slot, seen.slot)),
    ]
    since = say_moment(baseline.taken_at)
    says = f"sticky settings changed since {since}: {_some(changed)}" if changed else f"none changed since {since}"
    return Finding(name="drift", ok=not changed, says=says)


def _differing(before: dict[str, str], now: dict[str, str]) -> list[str]:
    return sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return f"{', '.join(names[:_MOST_NAMED])}{more}"
