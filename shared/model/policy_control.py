"""What a policy says of changes: how they are told what to do, and the plans that are asked for by name."""

from typing import Literal, Self

from pydantic import Field, model_validator

from shared.model.quantity import Share
from shared.model.strict import Name, Strict, Url


class ControlRules(Strict):
    """How the change of a workload is steered, and by whom it learns of it."""

    hook: Url | None = Field(default=None, description="Told when what the change should do changes.")
    secret: str | None = Field(
        default=None, min_length=16, description="Key of the hook's signature (HMAC-SHA256); write it as %SETTING%."
    )
    when_blind: Literal["run", "slow", "pause"] = Field(
        default="slow", description="What a change does while nobody sees whether it does harm."
    )
    resume: Literal["by_hand", "by_itself"] = Field(
        default="by_hand", description="Whether a change goes on once the trigger that held it up has been quiet."
    )

    @model_validator(mode="after")
    def _signed(self) -> Self:
        if (self.hook is None) != (self.secret is None):
            raise ValueError("a hook is told by signed calls: write both `hook` and `secret`, or neither")
        return self


class Strategy(Strict):
    """A plan that people, alerts and triggers ask for by its name: a rollback to a level, or a word to the change."""

    level: int | None = Field(default=None, ge=1, le=4, strict=True)
    components: tuple[Name, ...] = Field(default=(), description="Only these of what the level steers.")
    road: Name | None = Field(default=None, description="Only this road of the level.")
    share: Share | None = Field(default=None, description="Where that road is set to, in place of its own share.")
    does: Literal["pause", "slow"] | None = Field(default=None, description="Holds the change up; no rollback.")

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        if (self.level is None) == (self.does is None):
            raise ValueError("a strategy is one thing: write either `level: 1` or `does: pause`")
        if self.does is not None and (self.components or self.road is not None or self.share is not None):
            raise ValueError("what holds the change up steers nothing: expected `does` alone")
        if self.share is not None and self.road is None:
            raise ValueError("a share of what? expected the `road` that is set to it")
        return self
