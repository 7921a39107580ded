"""Plays recorded samples through a policy, as fast as it can, to the same words as the watch.

The watch judges in every cycle what it keeps; a replay judges each trigger's line once, in windows, and walks the
cycles. It stops at those in which something may change: where a trigger violates, where one begins or ceases to be
heard, where a change begins or ends. There it decides with the product's own `concluded`. What lies between says the
same as before.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from shared.decision.derived import derived, end_of_slot
from shared.errors import InvalidInput
from shared.model.derivation import Derivation
from shared.model.policy import Policy
from shared.model.policy_derived_base import DerivedSignal, lag_of
from shared.model.quantity import say_moment
from shared.model.signal import Sample
from shared.replay.grid import Grid
from shared.replay.tracks import Track
from shared.replay.walk import Moment, Tell, Walk
from shared.replay.world import Announced, World

# As the timer of the watch has it.
CYCLE = timedelta(seconds=10)
_LEAST_WINDOW = timedelta(hours=24)
_ONCE = timedelta(microseconds=1)

type Recorded = tuple[str, Sample]


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What was played.

    Attributes:
        first, last: The first and the last cycle; `None` when there was no sample.
        samples: By signal; of signals that the policy does not have, too.
        rollbacks: How many would have been started.
    """

    first: datetime | None
    last: datetime | None
    cycles: int
    samples: Mapping[str, int]
    rollbacks: int


class Player:
    """Plays one policy. Samples come in the order of their event times; memory depends on the policy alone."""

    def __init__(
        self,
        policy: Policy,
        listeners: Sequence[Tell] = (),
        *,
        changes: Iterable[Announced] = (),
        all_cycles: bool = False,
    ) -> None:
        """Begin before the first sample.

        Args:
            listeners: Called with every moment, in order.
            changes: What was changed when, if that is known.
            all_cycles: Every cycle is a moment.
        """
        self._policy, self._listeners, self._all = policy, listeners, all_cycles
        self._changes = tuple(changes)
        self._tracks = {name: _track(policy, name) for name in policy.signals}
        asked = [name for name, signal in policy.signals.items() if not isinstance(signal, DerivedSignal)]
        self._fresh: dict[str, list[Sample]] = {name: [] for name in asked}
        self._made: dict[str, datetime] = {}
        self._counts: dict[str, int] = {}
        self._newest: datetime | None = None
        self._window: _Window | None = None

    def feed(self, samples: Iterable[Recorded]) -> Self:
        """Take recorded samples, and play all cycles that they complete.

        Raises:
            InvalidInput: one is older than another that came before it.
        """
        fresh, counts = self._fresh, self._counts
        window, newest = self._window, self._newest
        for name, sample in samples:
            at = sample.at
            if window is None or newest is None:
                window = self._window = self._begin(at)
            elif at < newest:
                raise InvalidInput(f"{name} at {say_moment(at)} comes after {say_moment(newest)}; expected order")
            newest = self._newest = at
            while at > window.ends:
                self._play(window, window.last)
            counts[name] = counts.get(name, 0) + 1
            if name in fresh:
                fresh[name].append(sample)
        return self

    def finish(self) -> Played:
        """Play what is left, until all of it is judged."""
        window = self._window
        if window is None or self._newest is None:
            return Played(first=None, last=None, cycles=0, samples={}, rollbacks=0)
        latest = max(rule.delay for rule in self._policy.rules)
        last = window.grid.not_before(self._newest + latest)
        while window.last < last:
            self._play(window, window.last)
        self._play(window, last)
        return Played(
            first=window.grid.first,
            last=window.grid.at(last),
            cycles=last + 1,
            samples=dict(sorted(self._counts.items())),
            rollbacks=window.world.rollbacks,
        )

    def _begin(self, at: datetime) -> "_Window":
        grid = grid_of(at)
        world = World(self._policy, self._changes, grid.first)
        walk = Walk(self._policy, self._tracks, grid, world, self._tell, all_cycles=self._all)
        longest = max(_LEAST_WINDOW, *(rule.condition.looks_back for rule in self._policy.rules))
        return _Window(grid, world, walk, longest // CYCLE)

    def _tell(self, moment: Moment) -> None:
        for listener in self._listeners:
            listener(moment)

    def _play(self, window: "_Window", last: int) -> None:
        """Play the cycles of a window; all samples up to the last of them have come."""
        begins = window.grid.at(window.first)
        for track in self._tracks.values():
            track.forget(begins)
        window.walk.forget(begins)
        for name, samples in self._fresh.items():
            self._tracks[name].add(samples)
            samples.clear()
        for derivation in self._policy.derivations:
            self._derive(derivation, window.grid.at(last))
        window.walk.through(window.first, last)
        window.goes_on(last)

    def _derive(self, derivation: Derivation, now: datetime) -> None:
        """Make the samples of a signal that is made of others, as the watch does slot by slot."""
        parts = [self._tracks[part.signal] for part in derivation.parts]
        firsts = [first for track in parts if (first := track.first_at) is not None]
        made = self._made.get(derivation.name)
        if made is None and not firsts:
            return
        first = end_of_slot(min(firsts) if made is None else made + _ONCE, derivation.every)
        last = now - derivation.lag
        if first > last:
            return
        since = first - derivation.looks_back - derivation.every
        series = {part.signal: self._tracks[part.signal].between(since, last) for part in derivation.parts}
        samples = derived(derivation, series, first, last)
        self._tracks[derivation.name].add(samples)
        self._made[derivation.name] = samples[-1].at


def grid_of(first_sample: datetime) -> Grid:
    """Return the cycles of a recording, by the clock: the first is the one that finds the first sample."""
    return Grid(end_of_slot(first_sample, CYCLE), CYCLE)


class _Window:
    """The cycles that are played next."""

    def __init__(self, grid: Grid, world: World, walk: Walk, cycles: int) -> None:
        self.grid, self.world, self.walk = grid, world, walk
        self._cycles = cycles
        self.first = 0
        self._plan()

    def goes_on(self, last: int) -> None:
        """Plan the window behind a cycle."""
        self.first = last + 1
        self._plan()

    def _plan(self) -> None:
        """Where a change begins or ends, lines are judged anew: a window ends before that."""
        self.world.tick(self.grid.at(self.first))
        turns = self.world.turns_at
        last = self.first + self._cycles - 1
        if turns is not None:
            last = min(last, max(self.first, self.grid.not_before(turns) - 1))
        self.last, self.ends = last, self.grid.at(last)


def _track(policy: Policy, name: str) -> Track:
    """Return the track of a signal: it reaches as far back as any condition or derivation on it does."""
    keep, signal = policy.horizon(name), policy.signals[name]
    rules = [rule for rule in policy.rules if name in rule.condition.inputs]
    made = [one for one in policy.derivations if any(part.signal == name for part in one.parts)]
    reaches = [rule.condition.looks_back + rule.delay + CYCLE for rule in rules]
    reaches += [one.looks_back + one.lag + 3 * one.every for one in made]
    lag = lag_of(name, policy.signals) if isinstance(signal, DerivedSignal) else timedelta(0)
    return Track(keep=keep, reach=max(reaches, default=timedelta(0)), lag=lag)
