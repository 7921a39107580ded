"""Reasons not to roll back. A reason is a value: `None` means go (law 10)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from shared.model.attribution import Blame
from shared.model.change import Change, KnownGood
from shared.model.policy import Guards
from shared.model.quantity import say_moment, say_span
from shared.model.quarantine import Quarantine
from shared.model.run import LastRollback
from shared.model.trigger import TriggerReading

OBSERVING = "the policy says observe_only"


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What a rollback would start from.

    Attributes:
        production_build: As last seen from outside; empty when it was not seen yet.
        swaps_only: Level 1 has no other road than slot swaps, which a production on the known good has no use for.
        started: When the automatic rollbacks of late were started.
        fleet: Why the fleet as a whole lets none start, if it does not.
        firing: The trigger that asks for it, if one does.
        settled: The triggers of whose present firing people were asked, and it is settled.
        promoted: The build that a promotion takes forward whose place the rollback would take.
        blames: Why triggers that fire are not the doing of the build, by their names.
        by_hand: A person asks, who overrules what was seen a moment ago, budgets, pauses and observe-only mode.
    """

    now: datetime
    guards: Guards
    known_good: KnownGood | None
    production_build: str
    active_rollback: str | None
    last_rollback: LastRollback | None
    swaps_only: bool = True
    change: Change | None = None
    started: tuple[datetime, ...] = ()
    quarantine: Quarantine = field(default_factory=Quarantine)
    fleet: str | None = None
    firing: TriggerReading | None = None
    settled: frozenset[str] = frozenset()
    promoted: str = ""
    blames: Mapping[str, Blame] = field(default_factory=dict)
    by_hand: bool = False

    @property
    def bad_build(self) -> str:
        """The build that a rollback would take back, never the known good; empty when nobody saw or named one.

        What is promoted to a share of the users is seen nowhere else; no other change that was announced is to blame.
        """
        good = self.known_good.build if self.known_good else ""
        if self.production_build not in ("", good):
            return self.production_build
        if self.promoted not in ("", good):
            return self.promoted
        changing = self.change is not None and self.change.in_progress and self.change.build != good
        return self.change.build if self.change is not None and changing else ""


def rollback_limitation(situation: Situation) -> str | None:
    """Return why a rollback must not start now, or `None` when nothing stands against it."""
    checks = _ALWAYS if situation.by_hand else (*_ALWAYS, *_UNLESS_BY_HAND)
    return next((reason for check in checks if (reason := check(situation)) is not None), None)


def _one_at_a_time(situation: Situation) -> str | None:
    if situation.active_rollback is None:
        return None
    return f"rollback {situation.active_rollback} is still running"


def _something_to_go_back_to(situation: Situation) -> str | None:
    if situation.known_good is not None:
        return None
    return "no known-good build is recorded for this workload"


def _target_is_good(situation: Situation) -> str | None:
    good = situation.known_good
    why = situation.quarantine.builds.get(good.build) if good else None
    if good is None or why is None:
        return None
    return f"the target is bad too: build {good.build} is {why}"


def _something_to_take_back(situation: Situation) -> str | None:
    good = situation.known_good
    # What was seen may be some seconds old: a person knows better, and the step looks itself.
    if good is None or not situation.swaps_only or situation.production_build != good.build:
        return None
    return f"production already runs the known-good build {good.build}"


def _good_before_the_change(situation: Situation) -> str | None:
    """What fired before the change began is not its doing: taking it back would not help."""
    change, firing = situation.change, situation.firing
    if change is None or firing is None or firing.since is None or not change.in_progress:
        return None
    if firing.since + firing.hold_for > change.started_at:
        return None
    return (
        f"it was already bad before the change: {firing.name} has held since {say_moment(firing.since)}, "
        f"the {change.kind} of build {change.build} began at {say_moment(change.started_at)}"
    )


def _its_own_doing(situation: Situation) -> str | None:
    """What is bad together with the platform or a dependency is not healed by going back."""
    blame = situation.blames.get(situation.firing.name) if situation.firing else None
    return blame.limitation if blame else None


def _not_in_a_loop(situation: Situation) -> str | None:
    """Somebody deploys again what was taken back: the next rollback would only be followed by the next deployment."""
    why = situation.quarantine.builds.get(situation.bad_build)
    if why is None or not why.taken_back:
        return None
    build = situation.bad_build
    return f"build {build} is {why}, which took it back, and is there again: whoever deploys it must be stopped first"


def _cooled_down(situation: Situation) -> str | None:
    last = situation.last_rollback
    if last is None or last.ended_at is None:
        return None
    until = last.ended_at + situation.guards.cool_down
    if situation.now >= until:
        return None
    cool_down = say_span(situation.guards.cool_down)
    return f"rollback {last.id} ended {last.status} less than {cool_down} ago; automatic again at {until:%H:%M:%S} UTC"


def _within_budget(situation: Situation) -> str | None:
    free_at = situation.guards.budget.free_at(situation.started, situation.now)
    if free_at is None:
        return None
    return f"the budget of {situation.guards.budget} is used up; automatic again at {say_moment(free_at)}"


def _let_by_the_fleet(situation: Situation) -> str | None:
    return situation.fleet


def _allowed_to_act(situation: Situation) -> str | None:
    return OBSERVING if situation.guards.observe_only else None


_Check = Callable[[Situation], str | None]
_ALWAYS: tuple[_Check, ...] = (_one_at_a_time, _something_to_go_back_to, _target_is_good)
_UNLESS_BY_HAND: tuple[_Check, ...] = (
    _something_to_take_back,
    _good_before_the_change,
    _its_own_doing,
    _not_in_a_loop,
    _cooled_down,
    _within_budget,
    _let_by_the_fleet,
    _allowed_to_act,
)
