"""What fires goes on firing until it clears: a value that only just came back may be gone again a moment later.

While it has not fired, the first mark that does not violate ends a violation: `for` is time in which the condition
held.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.decision.conditions.line import Mark
from shared.model.trigger import NoData, RollbackTrigger


@dataclass(frozen=True, slots=True)
class Carried:
    """A violation that was under way before the first mark.

    Attributes:
        since: When it began.
        fired: It had held for long enough.
    """

    since: datetime
    fired: bool


def lingers(trigger: RollbackTrigger) -> bool:
    """Tell whether a trigger has hysteresis at all."""
    return trigger.clears is not None or bool(trigger.clears_after)


def settles(marks: Sequence[Mark], trigger: RollbackTrigger) -> bool:
    """Tell whether after one of some marks nothing is under way any more, whatever came before them.

    Not for a trigger whose last word stands: what it says does not depend on marks alone.
    """
    quiet_since: datetime | None = None
    for mark in marks:
        if mark.violates is None:
            continue
        quiet_since = None if mark.violates or in_band(mark, trigger) else quiet_since or mark.at
        if quiet_since is not None and mark.at - quiet_since >= trigger.clears_after:
            return True
    return False


def in_band(mark: Mark, trigger: RollbackTrigger) -> bool:
    """Tell whether a value that violates no more has not cleared either."""
    return trigger.clears is not None and trigger.clears.holds(mark.value)


def begins(run: Sequence[Mark], trigger: RollbackTrigger, carried: Carried | None, watermark: datetime) -> int | None:
    """Return the place at which the newest violation began, or `None` when there is none under way at the end.

    Args:
        run: Marks that say yes or no, in event-time order, with no silence between two that breaks anything.
        carried: What was under way before; it began at place 0 as far as the marks tell.
    """
    clock = _Clock(trigger, carried)
    for place, mark in enumerate(run):
        if mark.violates:
            clock.violates(place, mark)
        else:
            clock.relents(mark)
    if trigger.no_data is NoData.HOLD:
        clock.passes(watermark)
    return clock.first


class _Clock:
    """Goes through marks from the oldest on; each begins, lengthens or ends the violation that there is."""

    def __init__(self, trigger: RollbackTrigger, carried: Carried | None) -> None:
        self._trigger = trigger
        self.first = 0 if carried else None
        self._since = carried.since if carried else None
        self._fired = carried.fired if carried else False
        self._count = 0
        self._quiet_since: datetime | None = None

    def violates(self, place: int, mark: Mark) -> None:
        if self.first is None or self._since is None:
            self.first, self._since, self._count = place, mark.at, mark.before
        self._count += mark.count
        self._quiet_since = None
        self._held_until(mark.at)

    def relents(self, mark: Mark) -> None:
        if self.first is None:
            return
        if self._trigger.no_data is NoData.HOLD:  # the word before stood until now
            self._held_until(mark.at)
        self._quiet_since = None if in_band(mark, self._trigger) else self._quiet_since or mark.at
        if not self._fired:
            self._end()
        self.passes(mark.at)

    def passes(self, moment: datetime) -> None:
        """Let time pass: what has been quiet for long enough is over."""
        if self._quiet_since is not None and moment - self._quiet_since >= self._trigger.clears_after:
            self._end()

    def _held_until(self, moment: datetime) -> None:
        held = moment - self._since if self._since else timedelta(0)
        self._fired = self._fired or (held >= self._trigger.hold_for and self._count >= self._trigger.at_least)

    def _end(self) -> None:
        self.first = self._since = self._quiet_since = None
        self._fired, self._count = False, 0
