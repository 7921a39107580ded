"""A rollback trigger: a condition on signals, how long it must hold, and how much its answer weighs."""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from shared.model.conditions.condition import Condition
from shared.model.quantity import Dimension


class Tier(StrEnum):
    """What a firing trigger asks for."""

    CRITICAL = "critical"
    WARNING = "warning"
    INVESTIGATION = "investigation"


class Comparator(StrEnum):
    """How a value is held against its threshold."""

    ABOVE = ">"
    AT_LEAST = ">="
    BELOW = "<"
    AT_MOST = "<="

    def holds(self, value: float, threshold: float) -> bool:
        """Tell whether `value <comparator> threshold`."""
        return _COMPARE[self](value, threshold)

    @property
    def test(self) -> Callable[[float, float], bool]:
        """What `holds` does, for those who ask often."""
        return _COMPARE[self]

    @property
    def opposite(self) -> "Comparator":
        """The comparator that holds exactly when this one does not."""
        return _OPPOSITE[self]


_COMPARE: dict[Comparator, Callable[[float, float], bool]] = {
    Comparator.ABOVE: operator.gt,
    Comparator.AT_LEAST: operator.ge,
    Comparator.BELOW: operator.lt,
    Comparator.AT_MOST: operator.le,
}
_OPPOSITE = {
    Comparator.ABOVE: Comparator.AT_MOST,
    Comparator.AT_MOST: Comparator.ABOVE,
    Comparator.BELOW: Comparator.AT_LEAST,
    Comparator.AT_LEAST: Comparator.BELOW,
}


class NoData(StrEnum):
    """What silence means for a trigger."""

    BLIND = "blind"  # a source that falls silent makes the trigger blind
    HOLD = "hold"  # the signal speaks only now and then: the last word stands until the next one


@dataclass(frozen=True, slots=True)
class Bound:
    """A value and the side of it that is meant."""

    comparator: Comparator
    value: float

    def holds(self, value: float) -> bool:
        """Tell whether a value lies on that side."""
        return self.comparator.holds(value, self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackTrigger:
    """A trigger as the decision needs it, every default resolved and every value in the product's own unit.

    Attributes:
        condition: What is asked of which signals.
        dimension: That of the signal that it speaks of.
        hold_for: The condition must be covered by samples for this much event time.
        at_least: Observations needed before the answer counts, either way.
        max_gap: A longer silence between two samples breaks the covered time.
        stale_after: Without a measured sample for this long, the trigger is blind.
        delay: How far the source's watermark lies behind the clock.
        clears: What fires goes on firing while a value is still on this side, though it violates no more.
        clears_after: What fires goes on firing until it has been quiet for this much event time.
    """

    name: str
    tier: Tier
    condition: Condition
    dimension: Dimension
    hold_for: timedelta
    at_least: int
    max_gap: timedelta
    stale_after: timedelta
    delay: timedelta
    no_data: NoData
    clears: Bound | None = None
    clears_after: timedelta = timedelta(0)

    @property
    def signal(self) -> str:
        """The signal that it speaks of."""
        return self.condition.inputs[0]


class TriggerState(StrEnum):
    """The clock of a trigger."""

    INACTIVE = "inactive"
    PENDING = "pending"
    FIRING = "firing"


class Verdict(StrEnum):
    """What is known about health. Blind is neither of the others."""

    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    BLIND = "blind"


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerReading:
    """What one trigger says in one cycle.

    Attributes:
        verdict: `None` while a trigger that holds on silence has never had a word to stand on.
        since: Event time of the first sample of the unbroken violation.
        heard_at: Event time of its last sample.
        held: Event time that the violation is covered for.
        hold_for: Event time that it must be covered for before the trigger fires.
        value: Mean over the violation, else the newest pooled value; in the product's own unit.
        limit: What the value was held against.
        count: Observations behind `value`.
        sentence: The reading for people, with numbers.
    """

    name: str
    tier: Tier
    state: TriggerState
    verdict: Verdict | None
    sentence: str
    since: datetime | None = None
    heard_at: datetime | None = None
    held: timedelta = timedelta(0)
    hold_for: timedelta = timedelta(0)
    value: float | None = None
    limit: float | None = None
    count: int = 0
