"""What the verdicts of one cycle add up to, in one sentence."""

from dataclasses import dataclass
from enum import StrEnum

from shared.model.trigger import TriggerReading, Verdict


class Action(StrEnum):
    """What is to be done now."""

    CONTINUE = "continue"
    PAUSE = "pause"
    ASK = "ask"
    ROLL_BACK = "roll_back"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The outcome of one cycle.

    Attributes:
        level: The level to roll back to; set exactly when the action is `roll_back` or `ask`.
        trigger: The trigger that decided, if one did.
        limitation: Why a rollback that was due is not done; `None` otherwise.
        sentence: The same in the log, the history, the dashboard and the test.
    """

    action: Action
    verdict: Verdict
    sentence: str
    level: int | None = None
    trigger: TriggerReading | None = None
    limitation: str | None = None
