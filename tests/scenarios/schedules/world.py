"""Simulated time: what happens next happens at once, and nothing else happens meanwhile.

A pass is one worker's handling of one message. It runs the real engine, which calls its ports; at every call time
passes, and the pass may stand still, fail or die there. Only one pass runs at any moment.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from random import Random

from tests.fakes.clock import NOON
from tests.scenarios.schedules.baton import Baton
from tests.scenarios.schedules.odds import Odds

_ALWAYS_ENDS_WITHIN_S = 3 * 3600.0
# Where every single swap is thwarted, none succeeds: after this many mishaps at the effect the next one gets through.
_MOST_MISHAPS_AT_THE_EFFECT = 8


class Crash(BaseException):
    """The worker is gone, as by SIGKILL: no `except` of the product sees this."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the story; `body` is a record that was written."""

    at_s: float
    who: str
    what: str
    body: str = ""


class World:
    """The time, what is going to happen, and what happened."""

    def __init__(self, random: Random, odds: Odds) -> None:
        self.random = random
        self.odds = odds
        self.now_s = 0.0
        self.story: list[Line] = []
        self.counts: Counter[str] = Counter()
        self.mishaps_left = _MOST_MISHAPS_AT_THE_EFFECT
        self.closing = False
        self.passes: list[Pass] = []
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()

    def clock(self) -> datetime:
        """The true time."""
        return NOON + timedelta(seconds=self.now_s)

    def at(self, moment_s: float, do: Callable[[], None]) -> None:
        heappush(self._events, (moment_s, next(self._numbers), do))

    def after(self, delay_s: float, do: Callable[[], None]) -> None:
        self.at(self.now_s + delay_s, do)

    def nothing_before(self, moment_s: float) -> bool:
        return not self._events or self._events[0][0] > moment_s

    def tell(self, who: str, what: str, body: str = "") -> None:
        self.story.append(Line(self.now_s, who, what, body))

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def mishap(self, probability: float) -> bool:
        """Tell whether something goes wrong between an intent and its outcome, of which there is only so much."""
        strikes = self.mishaps_left > 0 and self.chance(probability)
        self.mishaps_left -= strikes
        return strikes

    def run(self) -> None:
        """Let everything happen, until nothing more is going to, or for three hours."""
        while self._events and self.now_s < _ALWAYS_ENDS_WITHIN_S:
            self.now_s, _, do = heappop(self._events)
            do()

    def close(self) -> None:
        """End the passes that still stand still."""
        self.closing = True
        for unfinished in self.passes:
            unfinished.end()


class Pass:
    """One worker's handling of one message, by a clock that may be wrong.

    Attributes:
        acting: It has written an intent, and not yet what came of it.
    """

    def __init__(self, world: World, name: str, skew_s: float, handle: Callable[["Pass"], None]) -> None:
        self.world = world
        self.name = name
        self.acting = False
        self._skew = timedelta(seconds=skew_s)
        self._baton = Baton(lambda: handle(self))
        world.passes.append(self)

    def start(self) -> None:
        self._baton.hand_over()

    def end(self) -> None:
        if not self._baton.over:
            self._baton.hand_over()

    def clock(self) -> datetime:
        return self.world.clock() + self._skew

    def tell(self, what: str, body: str = "") -> None:
        self.world.tell(self.name, what, body)

    def wait(self, seconds: float) -> None:
        """Let time pass, and others act in it."""
        wakes_s = self.world.now_s + seconds
        if self.world.nothing_before(wakes_s):
            self.world.now_s = wakes_s
            return
        self.world.at(wakes_s, self._baton.hand_over)
        self._baton.pause()
        if self.world.closing:
            raise Crash

    def pass_point(self, where: str) -> None:
        """A moment between two instructions: time passes, and the worker may stand still or be gone."""
        odds, world = self.world.odds, self.world
        if world.mishap(odds.crash_at_the_effect) if self.acting else world.chance(odds.crash):
            self.crash(where)
        if world.mishap(odds.stall_at_the_effect) if self.acting else world.chance(odds.stall):
            self.stand_still(where)
        else:
            self.wait(world.random.uniform(0.002, 0.2))

    def crash(self, where: str) -> None:
        """Be gone."""
        self.world.counts["crashes"] += 1
        self.tell(f"CRASHES {where}")
        raise Crash

    def stand_still(self, where: str) -> None:
        """Do nothing for longer than a lease may be."""
        pause_s = self.world.random.uniform(0, self.world.odds.stall_s)
        self.world.counts["stalls"] += 1
        self.tell(f"stands still for {pause_s:.1f} s {where}")
        self.wait(pause_s)
        self.tell("goes on")
