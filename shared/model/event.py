"""A transition that was recorded, and the deliveries that tell people of it.

The row comes first, people are told from the row (law 13). An event is written in the same atomic commit as the
change of state that it tells of, together with one pending delivery per channel.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class EventKind(StrEnum):
    """What happened, in the order in which a bad change is usually met."""

    CHANGE_STARTED = "change_started"
    PENDING = "pending"
    FIRING = "firing"
    CLEARED = "cleared"
    BLIND = "blind"
    SIGHTED = "sighted"
    DECIDED = "decided"
    ASKED = "asked"
    ANSWERED = "answered"
    PAUSED = "paused"
    SLOWED = "slowed"
    RESUMED = "resumed"
    CHANGE_ERROR = "change_error"
    CHANGE_COMPLETED = "change_completed"
    CHANGE_FAILED = "change_failed"
    CONTROL = "control"
    UNKNOWN_STRATEGY = "unknown_strategy"
    HELD_BACK = "held_back"
    ALERT = "alert"
    STARTED = "started"
    EFFECT_ACCEPTED = "effect_accepted"
    STEP_DONE = "step_done"
    STEP_FAILED = "step_failed"
    VERIFIED = "verified"
    PARTIAL = "partial"
    FAILED = "failed"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"
    QUARANTINE_LIFTED = "quarantine_lifted"
    INCIDENT = "incident"
    PROMOTING = "promoting"
    HELD = "held"
    PROMOTED = "promoted"
    DRILLED = "drilled"
    FLEET_PAUSED = "fleet_paused"
    FLEET_RESUMED = "fleet_resumed"
    CHECKPOINT_TAKEN = "checkpoint_taken"
    CHECKPOINT_REFUSED = "checkpoint_refused"
    CHECKPOINT_LOST = "checkpoint_lost"
    READY = "ready"
    NOT_READY = "not_ready"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One line of a workload's history.

    Attributes:
        about: What it concerns: a trigger's name, a rollback's id, an alert's rule.
        since: Event time at which it began, where that is not `at` (the first bad sample of a trigger).
    """

    workload: str
    kind: EventKind
    at: datetime
    sentence: str
    about: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """An event on its way to one channel. It is a pending row until the channel accepted it.

    Attributes:
        id: The same in every attempt, so that a receiver can drop a repeated one.
        due_at: When the next attempt may be made.
    """

    id: str
    channel: str
    event: Event
    due_at: datetime
    attempts: int = 0
    last_error: str = field(default="")
