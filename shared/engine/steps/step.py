"""What a step is: it observes what is true now, has at most one external effect, and is seen done from the world.

`observe` may be called any number of times, by any worker, also while another one acts; it changes nothing. It answers
one of four values. The effect that `Act` names is called only after the intent is written, by the worker that wrote it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from shared.model.policy import Policy
from shared.model.run import Run, StepPhase, StepRecord
from shared.ports import Fence

# Whoever wrote an intent holds the step for this long: longer than any single call of an adapter may take, shorter than
# what people would wait for after a crash. Its effect is sent within the first part of it, or not at all.
LEASE = timedelta(seconds=20)
SEND_WITHIN = LEASE - timedelta(seconds=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The desired state holds; the next step may begin."""

    note: str
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """The desired state does not hold, and the effect is safe to set in motion now.

    Attributes:
        effect: Sets it in motion, once, without waiting for its end, and returns the token of a long-running operation
            if it is one. It calls the fence it is given right before the call that cannot be taken back. It raises
            `OutcomeUnknown` when it may have happened: the engine then reads the world back before anything is
            repeated; `TransientError` when it has not happened and may be tried again; and `PermanentError` when it
            cannot be done.
        before: The world as it was seen.
    """

    note: str
    effect: Callable[[Fence], str | None]
    before: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Nothing to do before `until`.

    Attributes:
        tells: What people are told now, in the same commit as the evidence that they were; nothing if empty.
    """

    until: datetime
    note: str
    tells: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """The desired state cannot be reached by this step: it is `failed`, `partial` or, before any effect, `refused`."""

    phase: StepPhase
    note: str
    evidence: Mapping[str, Any] = field(default_factory=dict)


Look = Done | Act | Wait | Stop


class Step(Protocol):
    """One piece of a level."""

    def observe(self, policy: Policy, run: Run, record: StepRecord, now: datetime) -> Look:
        """Say how the world stands towards this step's desired state."""
        ...
