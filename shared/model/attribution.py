"""Who else could be to blame, as the decision needs it: every value resolved."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from shared.model.trigger import RollbackTrigger


class Role(StrEnum):
    """What a suspect is to the workload."""

    PLATFORM = "platform"
    DEPENDENCY = "dependency"
    OTHER_BUILD = "other build"


@dataclass(frozen=True, slots=True)
class Suspect:
    """Something whose being bad explains that the workload is, and its name stands in the rule."""

    role: Role
    rule: RollbackTrigger


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """How the traffic of a workload is known to have jumped.

    Attributes:
        times: So many times what it used to be.
        before: How long before it is looked at what it used to be.
        every, patience, lag: Of the signal.
    """

    signal: str
    times: float
    before: timedelta
    every: timedelta
    patience: timedelta
    lag: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Jump:
    """Traffic that had jumped when a violation began. It stands as it was seen while that violation lasts.

    Attributes:
        since: When the violation began.
        usual: The median of the time before.
        value: The highest around that moment.
    """

    since: datetime
    usual: float
    value: float


@dataclass(frozen=True, slots=True)
class Blame:
    """Why a trigger that fires is not the doing of the build.

    Attributes:
        limitation: The same in every cycle for as long as it stands, so that people are told once.
        sentence: What is seen of it now, with numbers.
    """

    limitation: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.limitation} ({self.sentence})" if self.sentence else self.limitation
