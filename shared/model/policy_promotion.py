"""How a new build goes forward: by a swap, by shares of the traffic, or by a flag, each step with its time to bake."""

from datetime import timedelta
from typing import Self

from pydantic import Field, model_validator

from shared.model.policy_roads import Slot
from shared.model.policy_verify import Check
from shared.model.quantity import Share
from shared.model.strict import Name, Origin, Path, Rhythm, Strict


class Promotion(Strict):
    """A promotion goes on while the workload is healthy, holds while nobody can see, and goes back when it is not."""

    slot: Slot | None = Field(default=None, description="Slot that holds the new build; production gets it by a swap.")
    url: Origin | None = Field(default=None, description="Where that slot answers.")
    road: Name | None = Field(
        default=None, description="The road by which a share goes to the new build: slot traffic or a feature flag."
    )
    steps: tuple[Share, ...] = Field(default=(), description="The shares, such as [5%, 25%, 50%].")
    warm: Path = Field(default="/", description="What the slot is asked for until it answers, and quickly.")
    warm_within: Rhythm = Field(default=timedelta(seconds=5), description="How quickly.")
    smoke: dict[Name, Check] = Field(default={}, description="What the new build must pass before anybody gets it.")
    bake: Rhythm = Field(default=timedelta(minutes=5), description="Healthy time after each step.")
    hold_at_most: Rhythm = Field(
        default=timedelta(hours=1),
        description="People are told once of a bake that was not healthy for so long; it goes on holding.",
    )
    needs_ready: bool = Field(default=True, strict=True, description="Whether level 1 must be ready before it begins.")

    @model_validator(mode="after")
    def _leads_somewhere(self) -> Self:
        if (self.slot is None) != (self.url is None):
            raise ValueError("a slot needs its `url`, and a `url` its slot")
        if self.slot is None and self.road is None:
            raise ValueError("nothing would go forward; expected a `slot` to swap, or a `road` with `steps`")
        if (self.road is None) != (not self.steps):
            raise ValueError("a `road` needs `steps`, such as [5%, 25%, 50%], and they need a road")
        if list(self.steps) != sorted(set(self.steps)) or (self.steps and self.steps[0] <= 0):
            raise ValueError("shares go up, each once, from more than 0 %")
        if self.slot is None and self.steps[-1] < 1:
            raise ValueError("without a slot to swap, the last share is 100 %")
        if self.slot is not None and self.steps and self.steps[-1] >= 1:
            raise ValueError("the last step is the swap, which gives the new build all; expected shares below 100 %")
        return self
