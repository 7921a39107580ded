"""Reasons not to roll back. A reason is a value: `None` means go (law 10)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from shared.model.change import KnownGood
from shared.model.policy import Guards
from shared.model.quantity import say_span
from shared.model.rollback import LastRollback


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What a rollback would start from.

    Attributes:
        by_hand: A person asks, who overrules what was seen a moment ago, the cool-down and observe-only mode.
        production_build: As last seen from outside; empty when it was not seen yet.
    """

    now: datetime
    guards: Guards
    known_good: KnownGood | None
    production_build: str
    active_rollback: str | None
    last_rollback: LastRollback | None
    by_hand: bool = False


def rollback_limitation(situation: Situation) -> str | None:
    """Return why a rollback must not start now, or `None` when nothing stands against it."""
    return next((reason for check in _CHECKS if (reason := check(situation)) is not None), None)


def _one_at_a_time(situation: Situation) -> str | None:
    if situation.active_rollback is None:
        return None
    return f"rollback {situation.active_rollback} is still running"


def _something_to_go_back_to(situation: Situation) -> str | None:
    if situation.known_good is not None:
        return None
    return "no known-good build is recorded for this workload"


def _something_to_take_back(situation: Situation) -> str | None:
    good = situation.known_good
    # What was seen may be some seconds old: a person knows better, and the step looks itself.
    if situation.by_hand or good is None or situation.production_build != good.build:
        return None
    return f"production already runs the known-good build {good.build}"


def _cooled_down(situation: Situation) -> str | None:
    last = situation.last_rollback
    if last is None or situation.by_hand:
        return None
    until = last.ended_at + situation.guards.cool_down
    if situation.now >= until:
        return None
    cool_down = say_span(situation.guards.cool_down)
    return f"rollback {last.id} ended {last.status} less than {cool_down} ago; automatic again at {until:%H:%M:%S} UTC"


def _allowed_to_act(situation: Situation) -> str | None:
    if situation.by_hand or not situation.guards.observe_only:
        return None
    return "the policy says observe_only"


_CHECKS: tuple[Callable[[Situation], str | None], ...] = (
    _one_at_a_time,
    _something_to_go_back_to,
    _something_to_take_back,
    _cooled_down,
    _allowed_to_act,
)
