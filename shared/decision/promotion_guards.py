"""Reasons not to promote. A reason is a value: `None` means go (law 10)."""

from dataclasses import dataclass

from shared.model.change import Change, KnownGood
from shared.model.policy import Policy
from shared.model.quarantine import Quarantine
from shared.model.trigger import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What a promotion would start from.

    Attributes:
        active: The run that is under way, if one is.
        production_build: As seen from outside a moment ago; empty when nobody saw it.
        unready: Why level 1 could not take it back, if it could not.
        paused: Why nothing goes back by itself anywhere, if it does not.
    """

    policy: Policy
    build: str
    active: str | None
    known_good: KnownGood | None
    quarantine: Quarantine
    change: Change | None
    production_build: str
    verdict: Verdict
    sentence: str
    unready: str | None
    paused: str | None


def promotion_limitation(start: Start) -> str | None:
    """Return why a promotion must not begin, or `None` when nothing stands against it."""
    return next((reason for check in _CHECKS if (reason := check(start)) is not None), None)


def _can_be_promoted(start: Start) -> str | None:
    if start.policy.promotion is None:
        return "the policy says nothing of promotions"
    return f"run {start.active} is under way" if start.active else None


def _has_a_way_back(start: Start) -> str | None:
    if start.known_good is None:
        return "no known-good build is recorded: there would be nothing to go back to"
    if start.known_good.build == start.build:
        return f"build {start.build} is the known good already"
    if start.policy.guards.observe_only:
        return "the policy says observe_only: it could not go back by itself"
    return f"it could not go back by itself: {start.paused}" if start.paused else None


def _is_no_bad_build(start: Start) -> str | None:
    why = start.quarantine.builds.get(start.build)
    return None if why is None else f"build {start.build} is {why}; lift that by naming it in `override` of a change"


def _is_the_only_change(start: Start) -> str | None:
    change = start.change
    if change is None or not change.in_progress or change.build == start.build:
        return None
    return f"the {change.kind} of build {change.build} is in progress"


def _starts_from_the_known_good(start: Start) -> str | None:
    good = start.known_good
    if not start.production_build:
        return "nobody has seen lately which build production serves"
    if good is None or start.production_build == good.build:
        return None
    return f"production serves build {start.production_build}, not the known good {good.build}"


def _starts_healthy(start: Start) -> str | None:
    return None if start.verdict is Verdict.HEALTHY else f"it is not healthy now: {start.sentence}"


def _is_ready_to_go_back(start: Start) -> str | None:
    needed = start.policy.promotion is not None and start.policy.promotion.needs_ready
    return f"level 1 is not ready to take it back: {start.unready}" if needed and start.unready else None


_CHECKS = (
    _can_be_promoted,
    _has_a_way_back,
    _is_no_bad_build,
    _is_the_only_change,
    _starts_from_the_known_good,
    _starts_healthy,
    _is_ready_to_go_back,
)
