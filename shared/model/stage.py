"""Stages of a promotion: pinned in the run when it begins, so that a policy that is edited changes none of them."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Stage(StrEnum):
    """What a stage of a promotion does; its name begins with this."""

    WARM = "warm"
    SMOKE = "smoke"
    SHARE = "share"
    SWAP = "swap"
    UNSHARE = "unshare"
    VERIFY = "verify"
    BAKE = "bake"
    CONFIRM = "confirm"


@dataclass(frozen=True, slots=True)
class StageOf:
    """One stage: `share:25` with its share, `bake:25` after it.

    Attributes:
        road: The road that it takes; `swap:<slot>` for the swap, empty for one that only looks.
        within: When it has failed if it is not done; `None` for one that holds for as long as nobody can see.
        bakes: The healthy time that it takes.
        hold_at_most: When people are told that it is held.
    """

    kind: Stage
    at: str = ""
    share: float = 0.0
    road: str = ""
    within: timedelta | None = None
    bakes: timedelta = timedelta(0)
    hold_at_most: timedelta = timedelta(hours=1)

    @property
    def name(self) -> str:
        return f"{self.kind}:{self.at}" if self.at else self.kind.value
