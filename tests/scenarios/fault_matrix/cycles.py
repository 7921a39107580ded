"""One play of a trigger in the pure cycle of the watch: all is well, then perhaps bad, then a stream takes over.

Nothing here remembers anything but the record of the watch: what all streams share is played once and gone on from.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from math import ceil

from shared.decision.cycle import Cycle, Known, News, next_cycle
from shared.model.change import Change, KnownGood
from shared.model.decision import Action
from shared.model.policy import Policy
from shared.model.signal import Sample
from shared.model.trigger import Tier, TriggerReading, TriggerState, Verdict
from shared.model.watch import WatchState
from tests.fakes.clock import NOON
from tests.scenarios.fault_matrix.streams import Moment, Stream
from tests.scenarios.fault_matrix.written import Written

_MOST_STEPS = 120
_HELD = timedelta(minutes=8)
_CHANGE = Change(id="c1", kind="deployment", build="b2", started_at=NOON)
_GOOD = KnownGood(build="b1", recorded_at=NOON - timedelta(days=1), recorded_by="pipeline")


class Before(StrEnum):
    """How things stood when the fault began."""

    UNHEARD = "unheard"  # nothing: the fault was there first
    QUIET = "quiet"
    PENDING = "pending"
    FIRING = "firing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What one cycle said, so long after the fault began."""

    after: timedelta
    reading: TriggerReading
    verdict: Verdict
    action: Action
    limitation: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What is delivered from the beginning of a fault on.

    Attributes:
        steps: How long it is watched.
        stream: What comes of the sources in `out`; of all others comes what is true.
        ends: The step at which all is in order again; with `in_full`, what was held up comes with it.
        skips: Steps at which the watch itself stands still.
    """

    steps: int
    stream: Stream
    out: frozenset[str]
    ends: int = 10_000
    in_full: bool = False
    skips: range = range(0)

    def of(self, name: str, moment: Moment) -> Sequence[Sample]:
        """Return what is delivered of a source."""
        if name in self.out and moment.step < self.ends:
            return self.stream(moment)
        if name in self.out and moment.step == self.ends and self.in_full:
            return moment.true[moment.heard :]
        return moment.true[-1:]


@dataclass(frozen=True, slots=True)
class _Stand:
    """Where a play is.

    Attributes:
        bad_since: Since when the world is bad, if it is.
    """

    now: datetime
    state: WatchState
    bad_since: datetime | None = None
    last: Cycle | None = None

    @property
    def reading(self) -> TriggerReading:
        (reading,) = self.state.readings
        return reading


class Play:
    """A trigger in a tier."""

    def __init__(self, written: Written, tier: Tier) -> None:
        self.written = written
        self.tier = tier
        self._policy: Policy = written.policy(tier)
        self._stands: dict[Before, _Stand] = {}

    @cached_property
    def befores(self) -> list[Before]:
        """How things can stand: what fires at once is never pending."""
        pends = bool(self.written.rule.hold_for)
        return [Before.UNHEARD, Before.QUIET, *([Before.PENDING] if pends else []), Before.FIRING]

    def stand(self, before: Before) -> _Stand:
        """Return where things stand as they should, with every source in order.

        Raises:
            AssertionError: the trigger cannot be brought there, so that nothing would be proven.
        """
        if before not in self._stands:
            self._stands[before] = self._brought_to(before)
        return self._stands[before]

    def _brought_to(self, before: Before) -> _Stand:
        if before is Before.UNHEARD:
            return _Stand(NOON, WatchState())
        if before is Before.QUIET:
            first = self._fed(_Stand(NOON, WatchState()), self._true(NOON, None))
            return self._until(first, lambda reading: reading.verdict is Verdict.HEALTHY)
        quiet = self.stand(Before.QUIET)
        bad = replace(quiet, bad_since=quiet.now)
        if before is Before.PENDING:
            half, pending = self.written.rule.hold_for / 2, TriggerState.PENDING
            return self._until(bad, lambda reading: reading.state is pending and reading.held >= half)
        return self._until(bad, lambda reading: reading.state is TriggerState.FIRING)

    def _until(self, stand: _Stand, reached: Callable[[TriggerReading], bool]) -> _Stand:
        for _ in range(_MOST_STEPS):
            stand = self._told(stand)
            if reached(stand.reading):
                return stand
        raise AssertionError(f"{self.written.name} never gets there: {stand.reading.sentence}")

    def _told(self, stand: _Stand) -> _Stand:
        """One step on, with every source in order."""
        now = stand.now + self.written.every
        return self._fed(replace(stand, now=now), {name: [self._sample(name, now, stand)] for name in self._sources})

    @property
    def _sources(self) -> tuple[str, ...]:
        return tuple(self.written.levels)

    def _true(self, now: datetime, stand: _Stand | None) -> dict[str, list[Sample]]:
        """Return all samples until now of every source, oldest first."""
        begun = NOON - self.written.history
        moments = [begun + step * self.written.every for step in range((now - begun) // self.written.every + 1)]
        return {name: [self._sample(name, at, stand) for at in moments] for name in self._sources}

    def _sample(self, name: str, at: datetime, stand: _Stand | None) -> Sample:
        since = stand.bad_since if stand else None
        bad = since is not None and at > since and self.written.is_bad(name)
        return self.written.levels[name].at(at, at - since if bad and since else None)

    def _fed(self, stand: _Stand, samples: Mapping[str, Sequence[Sample]]) -> _Stand:
        fed = {name: tuple(some) for name, some in samples.items() if some}
        asked = () if self.written.pushed else self._sources
        news = News(samples=fed, asked=asked, asked_at=stand.now)
        known = Known(state=stand.state, known_good=_GOOD, change=_CHANGE)
        cycle = next_cycle(self._policy, known, news, stand.now)
        return replace(stand, state=cycle.state, last=cycle)

    @property
    def outage(self) -> int:
        """How many steps an outage lasts: its whole patience and `for`, and a bit."""
        span = (_HELD if self.written.holds else self.written.patience) + self.written.rule.hold_for
        return ceil(span / self.written.every) + 2

    def struck(self, before: Before, course: Course) -> list[Said]:
        """Go on with what a course delivers; return what every cycle says."""
        stand = begun = self.stand(before)
        every = self.written.every
        heard = len(self._true(begun.now, None)[self._sources[0]])
        late = (_HELD if self.written.holds else self.written.patience) + every
        truth = self._true(begun.now + course.steps * every, begun)
        said = []
        for step in range(course.steps):
            now, upto = stand.now + every, heard + step + 1
            moments = {
                name: Moment(now=now, step=step, true=true[:upto], heard=heard, late=late)
                for name, true in truth.items()
            }
            if step in course.skips:
                stand = replace(stand, now=now)
                continue
            stand = self._fed(replace(stand, now=now), {name: course.of(name, m) for name, m in moments.items()})
            said.append(self._said(stand, now - begun.now))
        return said

    def _said(self, stand: _Stand, after: timedelta) -> Said:
        assert stand.last is not None
        decision = stand.last.decision
        return Said(
            after=after,
            reading=stand.reading,
            verdict=decision.verdict,
            action=decision.action,
            limitation=decision.limitation,
        )
