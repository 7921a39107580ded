"""What may be wrong with a build: it fails, is slow, hangs or dies. Pure, so that a seed gives one story."""

import random
from dataclasses import dataclass
from typing import Self

from pydantic import BaseModel, ConfigDict, Field


class BuildFaults(BaseModel):
    """Shares are of requests, 0 to 1. `die` ends the process at once."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fail_share: float = Field(0.0, ge=0, le=1)
    status: int = Field(500, ge=400, le=599)
    delay_ms: float = Field(0.0, ge=0)
    delay_jitter_ms: float = Field(0.0, ge=0)
    hang_share: float = Field(0.0, ge=0, le=1)
    die: bool = False
    seed: int = 0


HEALTHY = BuildFaults()


@dataclass(frozen=True, slots=True)
class Fate:
    """What happens to one request: `status` 200 means that it is served as usual."""

    status: int
    delay_s: float
    hangs: bool


class FaultDice:
    """Deals each request its fate; the same faults deal the same fates in the same order."""

    def __init__(self, faults: BuildFaults) -> None:
        self._faults = faults
        self._random = random.Random(faults.seed)

    @classmethod
    def healthy(cls) -> Self:
        return cls(HEALTHY)

    def roll(self) -> Fate:
        faults = self._faults
        # Three draws for every request: a changed share must not shift the draws of those that follow.
        fails, hangs, jitter = self._random.random(), self._random.random(), self._random.random()
        return Fate(
            status=faults.status if fails < faults.fail_share else 200,
            delay_s=(faults.delay_ms + jitter * faults.delay_jitter_ms) / 1000,
            hangs=hangs < faults.hang_share,
        )
