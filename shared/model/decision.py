"""What the verdicts of one cycle add up to, in one sentence."""

from dataclasses import dataclass
from enum import StrEnum

from shared.model.trigger import TriggerReading, Verdict

# That of a rollback for which nobody names another one.
TRAFFIC_LEVEL = 1


class Action(StrEnum):
    """What is to be done now."""

    CONTINUE = "continue"
    SLOW = "slow"
    PAUSE = "pause"
    ASK = "ask"
    ROLL_BACK = "roll_back"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a strategy of the policy stands for: a rollback to a level, or a word to the change.

    Attributes:
        strategy: The name it was asked for by.
        level: The level to roll back to; `None` exactly when `does` is set.
        components: Only these are steered; `None` is all that the level has.
        road: Only this one is taken; `None` is any of the level.
        share: What that road is set to; `None` is what the road itself says.
        does: `Action.PAUSE` or `Action.SLOW`.
    """

    strategy: str
    level: int | None = None
    components: tuple[str, ...] | None = None
    road: str | None = None
    share: float | None = None
    does: Action | None = None

    @property
    def restricted(self) -> bool:
        """It takes back less than its level could."""
        return self.components is not None or self.road is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """What follows when a trigger fires.

    Attributes:
        plan: The strategy that the trigger names.
        while_change: It counts only while a change is in progress.
        once_per_change: It decides once on each change.
        takes_people: It is a rollback that people are asked about first.
        confidence: How sure the trigger makes that something is wrong, 0 to 1, where its policy says so.
    """

    does: Action
    plan: Plan | None = None
    while_change: bool = False
    once_per_change: bool = False
    takes_people: bool = False
    confidence: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The outcome of one cycle.

    Attributes:
        level: The level to roll back to; set exactly when the action is `roll_back` or `ask`.
        trigger: The trigger that decided, if one did.
        limitation: Why a rollback that was due is not done; `None` otherwise.
        sentence: The same in the log, the history, the dashboard and the test.
        strategy: The strategy of the policy by which it is to be done; empty for the level as it is.
        settled: The triggers that fire and would ask, if people had not said no to just that.
        confidence: That of the trigger, where its policy says one.
    """

    action: Action
    verdict: Verdict
    sentence: str
    level: int | None = None
    trigger: TriggerReading | None = None
    limitation: str | None = None
    strategy: str = ""
    settled: tuple[str, ...] = ()
    confidence: float | None = None
