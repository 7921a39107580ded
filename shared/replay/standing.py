"""From which cycle on a trigger is plainly quiet, plainly silent, or must be read.

Plain is what needs no look at the samples: nothing violates and enough was counted, or nothing was heard for too long.
It is so only for as long as the watch still keeps all that the mark in question stands on; then it must be read.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.decision.conditions.line import Mark
from shared.decision.hysteresis import lingers
from shared.model.trigger import NoData, RollbackTrigger, TriggerReading, TriggerState, Verdict
from shared.replay.grid import Grid


@dataclass(frozen=True, slots=True)
class Since:
    """From a cycle on, a trigger is plainly `plain`, a reading without its sentence; `None`: it must be read."""

    cycle: int
    plain: TriggerReading | None


class Clearing:
    """Goes through marks that say yes or no, and tells after which of them nothing lingers from before."""

    def __init__(self, rule: RollbackTrigger) -> None:
        self._rule = rule
        self._before: datetime | None = None
        self._relents_since: datetime | None = None

    def passes(self, mark: Mark) -> bool:
        """Take the next mark; tells whether what comes after it is the same whatever came before."""
        rule, before = self._rule, self._before
        anew = before is not None and mark.at - before > rule.max_gap
        self._before = mark.at
        if mark.violates:
            self._relents_since = None
            return False
        if anew:
            self._relents_since = None
        band = rule.clears is not None and rule.clears.holds(mark.value)
        self._relents_since = None if band else self._relents_since or mark.at
        cleared = self._relents_since is not None and mark.at - self._relents_since >= rule.clears_after
        return anew or cleared


class Standing:
    """How a trigger stands as its line goes on."""

    def __init__(self, rule: RollbackTrigger, grid: Grid, *, unknown: bool) -> None:
        """Begin before the first mark.

        Args:
            unknown: What nothing at all means must be read too.
        """
        self._rule, self._grid = rule, grid
        self._holds = rule.no_data is NoData.HOLD
        self._healthy, self._blind = plainly(rule, Verdict.HEALTHY), plainly(rule, Verdict.BLIND)
        self._silent = plainly(rule, None) if self._holds else self._blind
        self._told: TriggerReading | None = None if unknown else self._silent
        self._begun = False
        self._clearing = Clearing(rule) if lingers(rule) else None
        self._heard_at: datetime | None = None
        self._stands_on: datetime | None = None
        self._window: deque[Mark] = deque()
        self._volume = 0
        self._found: list[Since] = []
        self._first = 0

    def goes_on(self, marks: Sequence[Mark], keep: timedelta, first: int, last: int) -> list[Since]:
        """Return what becomes of it with the next marks.

        Args:
            marks: In event-time order.
            keep: For how long the watch keeps all samples, at least.
            first, last: The cycles that are looked at.
        """
        self._found, self._first, self._keep = [], first, keep
        self._sure_for = keep - self._rule.condition.looks_back - self._rule.hold_for
        if not self._begun:
            self._begun = True
            self._found.append(Since(first, self._told))
        for mark in marks:
            self._hears(mark)
        self._fades(last + 1)
        return self._found

    def _hears(self, mark: Mark) -> None:
        if mark.violates is None:
            if self._holds:
                self._tells(self._cycle(mark), None)
            return
        if self._may_fade(mark.at):
            self._fades(self._cycle(mark))
        plain = self._plain(mark)
        if plain is not self._told:
            self._tells(self._cycle(mark), plain)
        self._heard_at = mark.at

    def _cycle(self, mark: Mark) -> int:
        return self._grid.not_before(mark.at + self._rule.delay)

    def _plain(self, mark: Mark) -> TriggerReading | None:
        """Return what it plainly is from a mark on, before that fades."""
        enough = self._counted(mark)
        if self._clearing is not None:
            self._is_cleared(mark, self._clearing)
        else:
            self._stands_on = None if mark.violates else mark.at
        on = self._stands_on
        if on is None or mark.at + self._rule.delay - on >= self._sure_for:
            return None
        return self._healthy if enough else self._blind

    def _is_cleared(self, mark: Mark, clearing: Clearing) -> None:
        """Where marks look back, one that stands on too little may begin what lingers: only a reset is sure."""
        if clearing.passes(mark):
            self._stands_on = mark.at
        elif mark.violates:
            self._stands_on = None
        elif self._stands_on is not None and not self._rule.condition.looks_back:
            self._stands_on = mark.at

    def _counted(self, mark: Mark) -> bool:
        """Tell whether enough was counted within `for`."""
        least = self._rule.at_least
        if least == 1:
            return True
        window, since = self._window, mark.at - self._rule.hold_for
        window.append(mark)
        self._volume += mark.count
        while window[0].at < since:
            self._volume -= window.popleft().count
        return window[0].before + self._volume >= least

    def _may_fade(self, until: datetime) -> bool:
        """Tell whether what was heard last may be too old, or not be sure any more, before a moment."""
        if self._heard_at is None:
            return False
        if until - self._heard_at > self._rule.stale_after:
            return True
        return self._stands_on is not None and until + self._rule.delay - self._stands_on >= self._sure_for

    def _fades(self, before: int) -> None:
        """What was heard last grows too old; perhaps the watch drops what it stands on even before that."""
        if self._heard_at is None:
            return
        rule, grid = self._rule, self._grid
        stale = grid.after(self._heard_at + rule.delay + rule.stale_after)
        if self._stands_on is not None:
            unsure = grid.not_before(self._stands_on + self._sure_for)
            if unsure < min(stale, before):
                self._tells(unsure, None)
        if self._holds and not rule.condition.looks_back and len(rule.condition.inputs) == 1:
            stale = min(stale, grid.not_before(self._heard_at + self._keep))
        if stale < before:
            sure = self._holds or self._keep >= rule.condition.looks_back + rule.delay + rule.stale_after
            self._tells(stale, self._silent if sure else None)

    def _tells(self, cycle: int, plain: TriggerReading | None) -> None:
        """Note how it stands from a cycle on; of several words for one cycle the last counts."""
        cycle = max(cycle, self._first)
        while self._found and self._found[-1].cycle >= cycle:
            self._found.pop()
        self._found.append(Since(cycle, plain))
        self._told = plain


def plainly(rule: RollbackTrigger, verdict: Verdict | None) -> TriggerReading:
    """Return the reading of a trigger that is not violated, without its sentence and its numbers."""
    return TriggerReading(name=rule.name, tier=rule.tier, state=TriggerState.INACTIVE, verdict=verdict, sentence="")
