"""Walks the cycles of a window: stops where something may change, and decides there as the watch does."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from heapq import merge

from shared.decision.assess import Seen
from shared.decision.cycle import Cycle, concluded
from shared.model.decision import Decision
from shared.model.event import Event
from shared.model.policy import Policy
from shared.model.signal import Series
from shared.model.trigger import TriggerReading
from shared.model.watch import NEVER, WatchState
from shared.replay.grid import Grid
from shared.replay.lines import Line
from shared.replay.tracks import Track
from shared.replay.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A cycle in which something changed: the verdict, the decision, or the state of a trigger.

    Attributes:
        events: The transitions that the product would record.
        readings: What each trigger says, in the policy's order.
    """

    at: datetime
    decision: Decision
    events: tuple[Event, ...]
    readings: tuple[TriggerReading, ...]


type Tell = Callable[[Moment], None]


class Walk:
    """The state of the watch as cycles go by."""

    def __init__(
        self, policy: Policy, tracks: Mapping[str, Track], grid: Grid, world: World, tell: Tell, *, all_cycles: bool
    ) -> None:
        self._policy, self._tracks, self._grid, self._world, self._tell = policy, tracks, grid, world, tell
        self._all = all_cycles
        self._lines = [Line(rule, tracks, grid) for rule in policy.rules]
        self._state = WatchState()
        self._plain: list[TriggerReading | None] = [None] * len(self._lines)
        self._readings: list[TriggerReading | None] = [None] * len(self._lines)
        self._ahead: list[tuple[int, int, TriggerReading | None]] = []
        self._change_started: datetime | None = None
        self._last = 0

    def forget(self, now: datetime) -> None:
        """Drop what no cycle from a moment on looks at."""
        for line in self._lines:
            line.forget(now)

    def through(self, first: int, last: int) -> None:
        """Walk through some cycles; all samples up to the last one are there."""
        self._last = last
        self._judge(first)
        cycle = first
        while cycle <= last:
            self._stands(cycle)
            self._world.tick(self._grid.at(cycle))
            if self._world.change_started != self._change_started:
                self._judge(cycle)
                self._stands(cycle)
            self._run(cycle)
            cycle = self._next_after(cycle)

    def _judge(self, first: int) -> None:
        """Judge all lines from a cycle on; anew if a change began or ended, which some of them look at."""
        self._world.tick(self._grid.at(first))
        anew = self._world.change_started != self._change_started
        self._change_started = self._world.change_started
        seen, found = self._seen(self._last), []
        for place, line in enumerate(self._lines):
            standing = (line.again if anew else line.judge)(first, self._last, seen)
            found.append([(since.cycle, place, since.plain) for since in standing])
        self._ahead = list(merge(*found, key=lambda one: one[0]))
        self._ahead.reverse()

    def _seen(self, cycle: int) -> Seen:
        return Seen(now=self._grid.at(cycle), change_started=self._change_started, watched_since=self._grid.first)

    def _stands(self, cycle: int) -> None:
        while self._ahead and self._ahead[-1][0] <= cycle:
            _, place, plain = self._ahead.pop()
            self._plain[place] = plain

    def _next_after(self, cycle: int) -> int:
        """Return the next cycle in which something may change."""
        state = self._state
        if self._all or None in self._plain or self._world.restless or state.bad_before:
            return cycle + 1
        found = [self._last + 1]
        found += [self._ahead[-1][0]] if self._ahead else []
        found += [self._grid.not_before(self._world.next_at)] if self._world.next_at else []
        if state.blind_since is not None and not state.blind_told:
            found.append(self._grid.not_before(state.blind_since + self._policy.guards.blind_page_after))
        return max(cycle + 1, min(found))

    def _run(self, cycle: int) -> None:
        seen = self._seen(cycle)
        readings = [
            plain or line.read(seen.now, seen, before)
            for plain, line, before in zip(self._plain, self._lines, self._readings, strict=True)
        ]
        found = self._concluded(readings, seen.now)
        if self._all or found.events or self._differs(found):
            readings = [
                line.read(seen.now, seen, before) if plain else reading
                for plain, line, before, reading in zip(self._plain, self._lines, self._readings, readings, strict=True)
            ]
            found = self._concluded(readings, seen.now)
            self._tell(Moment(at=seen.now, decision=found.decision, events=found.events, readings=found.state.readings))
        self._readings = list(readings)
        self._state = found.state
        self._world.after(found, seen.now)

    def _concluded(self, readings: Sequence[TriggerReading], now: datetime) -> Cycle:
        state = replace(
            self._state,
            series=self._series(now) if None in self._plain else {},
            readings=tuple(readings),
            cycled_at=now,
            watching_since=self._grid.first,
        )
        return concluded(self._policy, self._world.known(self._state), state, now)

    def _series(self, now: datetime) -> dict[str, Series]:
        """Return what the watch keeps: whoever asks whose doing it is looks at samples."""
        policy = self._policy
        if not policy.suspects and policy.traffic is None and self._world.change_started is None:
            return {}
        return {name: track.kept(now) for name, track in self._tracks.items()}

    def _differs(self, found: Cycle) -> bool:
        decision, before = found.decision, self._state
        return (
            before.cycled_at is NEVER
            or decision.verdict is not before.verdict
            or decision.action is not before.action
            or (decision.limitation is None) != (before.limitation is None)
        )
