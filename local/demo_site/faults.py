"""What may be wrong with a build: it fails, is slow, hangs, dies, or its database is. Pure: a seed gives one story."""

import random
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field


class Database(StrEnum):
    """How the build's database is."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    DOWN = "down"


class BuildFaults(BaseModel):
    """Shares are of requests, 0 to 1. `die` ends the process at once.

    Attributes:
        only: Failing, slow and hanging are these paths and what is below them; everything when empty.
        feature: Failing, slow and hanging are requests that this feature flag lets in; all of them when empty.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    fail_share: float = Field(0.0, ge=0, le=1)
    status: int = Field(500, ge=400, le=599)
    delay_ms: float = Field(0.0, ge=0)
    delay_jitter_ms: float = Field(0.0, ge=0)
    hang_share: float = Field(0.0, ge=0, le=1)
    only: tuple[str, ...] = ()
    feature: str = ""
    database: Database = Database.HEALTHY
    sync_lag_s: float = Field(0.0, ge=0)
    die: bool = False
    seed: int = 0

    def concern(self, path: str) -> bool:
        return not self.only or any(path == one or path.startswith(f"{one}/") for one in self.only)


HEALTHY = BuildFaults()


@dataclass(frozen=True, slots=True)
class Fate:
    """What happens to one request: `status` 200 means that it is served as usual."""

    status: int
    delay_s: float
    hangs: bool


SERVED = Fate(status=200, delay_s=0.0, hangs=False)


class FaultDice:
    """Deals each request its fate; the same faults deal the same fates in the same order."""

    def __init__(self, faults: BuildFaults) -> None:
        self._faults = faults
        self._random = random.Random(faults.seed)

    @classmethod
    def healthy(cls) -> Self:
        return cls(HEALTHY)

    def roll(self, path: str = "/") -> Fate:
        faults = self._faults
        # Three draws for every request: a changed share must not shift the draws of those that follow.
        fails, hangs, jitter = self._random.random(), self._random.random(), self._random.random()
        if not faults.concern(path):
            return SERVED
        return Fate(
            status=faults.status if fails < faults.fail_share else 200,
            delay_s=(faults.delay_ms + jitter * faults.delay_jitter_ms) / 1000,
            hangs=hangs < faults.hang_share,
        )
