"""Plays samples to a worked example, event time and all: what its triggers say, and what follows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from pathlib import Path

from shared.decision.cycle import Cycle, Known, News, next_cycle
from shared.model.change import Change, KnownGood
from shared.model.decision import Action
from shared.model.event import EventKind
from shared.model.policy import Policy
from shared.model.signal import Series, measured
from shared.model.trigger import TriggerReading, TriggerState
from shared.model.watch import WatchState
from shared.policy import AnySettings, read_for
from tests.fakes.clock import NOON

FOLDER = Path(__file__).parents[3] / "policies"
CHANGE = Change(id="c1", kind="migration", build="new", started_at=NOON - timedelta(minutes=1))
GOOD = KnownGood(build="good", recorded_at=NOON - timedelta(days=1), recorded_by="pipeline")
type Values = Mapping[str, Sequence[float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One rule of a team.

    Attributes:
        words: What the team asks for, in its own words.
        trigger: The trigger of the policy that does it.
        fed: Values by signal, one `every` after the other. With the newest of each it fires, without it not yet.
        edge: As many values that lie on the boundary itself: they never fire.
        count: Observations that each sample stands on.
        alone: Signals whose samples stand on one observation, whatever `count` says.
        every: How far apart they are, where it is not the rhythm of the signal.
        does: What follows.
        says: What people hear at the boundary and one sample; see `said`.
        before: The sentence of the trigger without that sample.
        change: Whether a change is in progress.
        began: When it began, seen from noon.
        decided: Triggers that have decided on this change before.
    """

    words: str
    trigger: str
    fed: Values
    says: str
    before: str
    does: Action = Action.ROLL_BACK
    level: int | None = None
    strategy: str = ""
    edge: Values = field(default_factory=dict)
    count: int = 1
    alone: tuple[str, ...] = ()
    every: timedelta | None = None
    change: bool = True
    began: timedelta = timedelta(minutes=-1)
    decided: tuple[str, ...] = ()


@cache
def example(name: str) -> Policy:
    """Return a worked example."""
    return read_for(FOLDER / f"{name}.yaml", AnySettings())


def played(policy: Policy, row: Row, values: Values, state: WatchState | None = None) -> Cycle:
    """Return the cycle that sees the newest of these values as soon as its source's delay is over."""
    samples = {name: _series(policy, row, name, found) for name, found in values.items()}
    rule = next(rule for rule in policy.rules if rule.name == row.trigger)
    newest = max((series[-1].at for series in samples.values() if series), default=NOON)
    known = Known(
        state=state or WatchState(),
        known_good=GOOD,
        change=replace(CHANGE, started_at=NOON + row.began, decided=row.decided) if row.change else None,
        swaps_only=policy.swaps_only,
    )
    return next_cycle(policy, known, News(samples=samples), newest + rule.delay)


def _series(policy: Policy, row: Row, name: str, values: Sequence[float]) -> Series:
    every = row.every or policy.signals[name].every
    count = 1 if name in row.alone else row.count
    return tuple(
        measured(NOON + number * every, value, count, sample_id=str(number))
        for number, value in enumerate(values, start=1)
    )


def reading_of(cycle: Cycle, trigger: str) -> TriggerReading:
    """Return what a trigger said."""
    return next(reading for reading in cycle.state.readings if reading.name == trigger)


def said(cycle: Cycle, row: Row) -> str:
    """Return the sentence that people hear: of the decision, or, where nothing follows, of the trigger's own event."""
    if row.does is not Action.CONTINUE:
        return cycle.decision.sentence
    return next(
        (event.sentence for event in cycle.events if (event.kind, event.about) == (EventKind.FIRING, row.trigger)), ""
    )


def holds(name: str, row: Row) -> None:
    """Check a row: with its newest sample it fires and what is wanted follows, without it and on the boundary not."""
    policy = example(name)
    assert set(row.fed) <= set(policy.signals)
    fired = played(policy, row, row.fed)
    assert reading_of(fired, row.trigger).state is TriggerState.FIRING
    assert said(fired, row) == row.says
    assert (fired.decision.action, fired.decision.level, fired.decision.strategy) == (row.does, row.level, row.strategy)
    early = played(policy, row, {name: values[:-1] for name, values in row.fed.items()})
    not_yet = reading_of(early, row.trigger)
    assert (not_yet.state is TriggerState.FIRING, not_yet.sentence) == (False, row.before)
    assert early.decision.action is Action.CONTINUE
    if row.edge:
        assert reading_of(played(policy, row, row.edge), row.trigger).state is TriggerState.INACTIVE
