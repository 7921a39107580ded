"""Short ways to write down a trigger, the samples of a signal, a reading and a situation."""

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.decision.assess import Seen
from shared.decision.assess import assess as assess_inputs
from shared.decision.guards import Situation
from shared.model.change import KnownGood
from shared.model.conditions.threshold import Threshold
from shared.model.policy import Guards
from shared.model.quantity import Dimension
from shared.model.run import LastRollback, RunStatus
from shared.model.signal import Sample, Series, failed, measured, no_data
from shared.model.trigger import Comparator, NoData, RollbackTrigger, Tier, TriggerReading, TriggerState, Verdict

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
NEVER = timedelta(0)

_ERRORS = RollbackTrigger(
    name="errors",
    tier=Tier.CRITICAL,
    condition=Threshold(
        signal="error_rate", dimension=Dimension.SHARE, comparator=Comparator.ABOVE, threshold=0.05, over=NEVER
    ),
    dimension=Dimension.SHARE,
    hold_for=timedelta(seconds=60),
    at_least=20,
    max_gap=timedelta(seconds=15),
    stale_after=timedelta(seconds=15),
    delay=NEVER,
    no_data=NoData.BLIND,
)
_OF_THRESHOLD = frozenset(field.name for field in fields(Threshold))


def at(seconds: float) -> datetime:
    """Return the moment so many seconds after noon."""
    return NOON + timedelta(seconds=seconds)


def seconds(amount: float) -> timedelta:
    return timedelta(seconds=amount)


def trigger(**changes: Any) -> RollbackTrigger:
    """Return `errors: error_rate > 5% for 60s, at_least 20 requests` of a probe every 5 s, with changes."""
    return changed(_ERRORS, **changes)


def changed(rule: RollbackTrigger, **changes: Any) -> RollbackTrigger:
    """Return a trigger on a threshold with changes, those of its condition too."""
    of_condition = {name: value for name, value in changes.items() if name in _OF_THRESHOLD}
    of_rule = {name: value for name, value in changes.items() if name not in _OF_THRESHOLD or name == "dimension"}
    condition = replace(threshold_of(rule), **of_condition)
    rule = replace(rule, condition=condition, **of_rule)
    volume = rule.at_least if condition.over else 1
    return replace(rule, condition=replace(condition, volume=volume))


def threshold_of(rule: RollbackTrigger) -> Threshold:
    """Return the condition of a trigger, which is a threshold."""
    assert isinstance(rule.condition, Threshold)
    return rule.condition


def assess(
    rule: RollbackTrigger, samples: Sequence[Sample], now: datetime, before: TriggerReading | None = None
) -> TriggerReading:
    """Read a trigger of one signal whose samples stand in any order."""
    return assess_inputs(rule, {rule.signal: sorted(samples, key=lambda s: (s.at, s.id))}, Seen(now=now), before)


def bursts(drawn: str, *, every_s: float = 5, count: int = 20, start_s: float = 0) -> Series:
    """Return one sample per mark: `x` 31 % failed, `.` none failed, `-` no data, `!` an error, a blank is nothing."""
    marks: dict[str, Callable[[datetime], Sample]] = {
        "x": lambda moment: measured(moment, 0.31, count),
        ".": lambda moment: measured(moment, 0.0, count),
        "-": lambda moment: no_data(moment, "the source had nothing"),
        "!": lambda moment: failed(moment, "connection refused"),
    }
    return tuple(marks[mark](at(start_s + i * every_s)) for i, mark in enumerate(drawn) if mark != " ")


def reading(
    tier: Tier = Tier.CRITICAL,
    state: TriggerState = TriggerState.INACTIVE,
    verdict: Verdict | None = Verdict.HEALTHY,
    *,
    name: str = "errors",
    held_s: float = 0,
    until_s: float = 0,
) -> TriggerReading:
    """Return a reading whose sentence is `<name> says so`; a violation is covered until `until_s` after noon."""
    return TriggerReading(
        name=name,
        tier=tier,
        state=state,
        verdict=verdict,
        since=None if state is TriggerState.INACTIVE else at(until_s - held_s),
        held=seconds(held_s),
        hold_for=seconds(60),
        sentence=f"{name} says so",
    )


def firing(
    tier: Tier = Tier.CRITICAL, *, name: str = "errors", held_s: float = 60, until_s: float = 0
) -> TriggerReading:
    return reading(tier, TriggerState.FIRING, Verdict.UNHEALTHY, name=name, held_s=held_s, until_s=until_s)


def pending(tier: Tier = Tier.CRITICAL, *, name: str = "errors", held_s: float = 30) -> TriggerReading:
    return reading(tier, TriggerState.PENDING, Verdict.UNHEALTHY, name=name, held_s=held_s)


def blind(tier: Tier = Tier.CRITICAL, *, name: str = "errors", held_s: float = 0) -> TriggerReading:
    return reading(tier, TriggerState.INACTIVE, Verdict.BLIND, name=name, held_s=held_s)


def unheard(*, name: str = "alert") -> TriggerReading:
    """Return the reading of a trigger that holds on silence and never had a word."""
    return reading(Tier.INVESTIGATION, TriggerState.INACTIVE, None, name=name)


def ended(status: RunStatus = RunStatus.VERIFIED, *, ago_s: float = 60) -> LastRollback:
    return LastRollback(id="orders.1", status=status, ended_at=at(-ago_s))


_READY = Situation(
    now=NOON,
    guards=Guards(),
    known_good=KnownGood(build="b41", recorded_at=at(-86_400), recorded_by="pipeline"),
    production_build="b42",
    active_rollback=None,
    last_rollback=None,
)


def situation(**changes: Any) -> Situation:
    """Return a situation at noon in which nothing stands against going back from b42 to b41, with changes."""
    return replace(_READY, **changes)
