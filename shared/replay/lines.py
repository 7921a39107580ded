"""One trigger over a whole recording: its line is judged once, piece by piece, and read cycle by cycle.

Conditions are causal, and a mark needs nothing older than its condition looks back on: so a line that was judged over
a month says at each moment what the watch would have said, which judges it anew in every cycle from what it keeps. In
most cycles a trigger is plainly quiet, or plainly silent, and nobody needs to read it. Where something violates it is
read with the product's own `reading_of`; where a mark might stand on what the watch has dropped, with its `assess`.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from shared.decision.assess import Seen, assess, reading_of, sure_since
from shared.decision.conditions import kind_of
from shared.decision.conditions.line import Mark
from shared.decision.hysteresis import lingers
from shared.model.signal import Sample
from shared.model.trigger import RollbackTrigger, TriggerReading
from shared.replay.grid import Grid
from shared.replay.standing import Clearing, Since, Standing
from shared.replay.tracks import Track

_LONG_AGO = timedelta(days=36_500)


class Line:
    """The marks of one trigger, and from which cycle on it is plainly quiet, plainly silent, or to be read."""

    def __init__(self, rule: RollbackTrigger, tracks: Mapping[str, Track], grid: Grid) -> None:
        self.rule = rule
        self._kind = kind_of(rule.condition)
        self._tracks = {name: tracks[name] for name in rule.condition.inputs}
        self._grid = grid
        self._marks: list[Mark] = []
        self._judged = grid.first - _LONG_AGO
        self._longest = max(track.keep for track in self._tracks.values())
        self._standing = self._from_nothing()

    def judge(self, first: int, last: int, seen: Seen) -> list[Since]:
        """Judge what is new.

        Args:
            first, last: The cycles that are looked at; all samples up to the last one are there.
            seen: As the last one sees it.

        Returns:
            How the trigger stands from which of these cycles on.
        """
        condition, view = self.rule.condition, replace(seen.view(self.rule), since=self._judged)
        reach = self._judged - condition.looks_back
        inputs = {name: track.between(reach, view.watermark) for name, track in self._tracks.items()}
        fresh = [mark for mark in self._kind.marks(condition, inputs, view) if mark.at > self._judged]
        self._judged = max(self._judged, view.watermark)
        self._marks += fresh
        keep = min(min(track.keep, track.shortest) for track in self._tracks.values())
        return self._standing.goes_on(fresh, keep, first, last)

    def again(self, first: int, last: int, seen: Seen) -> list[Since]:
        """Judge all anew that a cycle looks at: a change has begun or ended before it."""
        self._marks.clear()
        self._standing = self._from_nothing()
        self._judged = self._grid.at(first) - self._longest
        return self.judge(first, last, seen)

    def _from_nothing(self) -> Standing:
        """A condition that has something to say of no samples at all must be asked until there are some."""
        seen = Seen(now=self._grid.first, watched_since=self._grid.first - self.rule.delay)
        nothing: Mapping[str, Sequence[Sample]] = dict.fromkeys(self._tracks, ())
        unknown = bool(self._kind.marks(self.rule.condition, nothing, seen.view(self.rule)))
        return Standing(self.rule, self._grid, unknown=unknown)

    def forget(self, now: datetime) -> None:
        """Drop the marks that no cycle from a moment on looks at."""
        del self._marks[: bisect_right(self._marks, now - self._longest - self.rule.condition.looks_back, key=_at)]

    def read(self, now: datetime, seen: Seen, before: TriggerReading | None) -> TriggerReading:
        """Return what the watch would have said in a cycle, word by word."""
        found = self._as_judged(now, seen, before)
        if found is not None:
            return found
        kept = {name: track.kept(now) for name, track in self._tracks.items()}
        return assess(self.rule, kept, seen, before)

    def _as_judged(self, now: datetime, seen: Seen, before: TriggerReading | None) -> TriggerReading | None:
        """Read it from the judged line, where that is certain to be what the watch would have judged."""
        rule, view = self.rule, seen.view(self.rule)
        end = bisect_right(self._marks, view.watermark, key=_at)
        edge, left_out = self._edge(now), sure_since(rule, self._oldest(now), view, before)
        behind = edge if left_out is None else left_out
        sure = 0 if behind is None else bisect_right(self._marks, behind, 0, end, key=_at)
        newest = self._newest(sure, end)
        if newest is None or view.watermark - newest.at > rule.stale_after:
            return None
        first = self._begins(sure, end, behind)
        if first is None:
            alone = left_out is not None or edge is None or self._looks_at_nothing_else
            return reading_of(rule, self._marks[sure:end], {}, view, before) if alone else None
        window = newest.at - rule.hold_for
        if behind is not None and window <= behind:
            return None
        first = min(first, bisect_left(self._marks, window, sure, end, key=_at))
        return reading_of(rule, self._marks[first:end], {}, view)

    @property
    def _looks_at_nothing_else(self) -> bool:
        return not self.rule.condition.looks_back and len(self._tracks) == 1

    def _newest(self, sure: int, end: int) -> Mark | None:
        places = range(end - 1, sure - 1, -1)
        return next((self._marks[place] for place in places if self._marks[place].violates is not None), None)

    def _oldest(self, now: datetime) -> list[datetime]:
        return [at for track in self._tracks.values() if (at := track.oldest(now)) is not None]

    def _edge(self, now: datetime) -> datetime | None:
        """Return the moment after which marks stand on nothing that was dropped; `None` while nothing was."""
        edges = [edge for track in self._tracks.values() if (edge := track.edge(now)) is not None]
        return max(edges) + self.rule.condition.looks_back if edges else None

    def _begins(self, sure: int, end: int, edge: datetime | None) -> int | None:
        """Return a place from which on the line says the same whatever lies before it, if there is one."""
        if lingers(self.rule):
            return self._last_clear(sure, end)
        later: datetime | None = None
        for place in range(end - 1, sure - 1, -1):
            mark = self._marks[place]
            if mark.violates is None:
                continue
            if not mark.violates:
                return place
            if later is not None and later - mark.at > self.rule.max_gap:
                return place + 1
            later = mark.at
        far = edge is not None and later is not None and later - self.rule.max_gap > edge
        return sure if far else None

    def _last_clear(self, sure: int, end: int) -> int | None:
        clearing, found = Clearing(self.rule), None
        for place in range(sure, end):
            if self._marks[place].violates is not None and clearing.passes(self._marks[place]):
                found = place
        return found


def _at(mark: Mark) -> datetime:
    return mark.at
