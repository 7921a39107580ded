"""What people are advised to do, and what work costs, as a policy says it. Nothing of this decides anything."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from shared.model.policy_conditions.comparison import Comparison
from shared.model.quantity import Count
from shared.model.strict import Name, Strict

Text = Annotated[str, StringConstraints(min_length=1, max_length=300, strip_whitespace=True)]


class Advice(Strict):
    """A piece of advice: `{when: dtu > 70%, say: scale the database up}`; it looks at the whole range that is shown."""

    when: Comparison
    of: Literal["mean", "p50", "p95", "p99", "highest", "lowest"] = Field(
        default="mean", description="What of the signal is compared."
    )
    urgency: Literal["hint", "warning", "critical"] = "warning"
    at_least: Count = Field(default=10, description="Observations needed before anything is advised.")
    say: Text


class Costs(Strict):
    """What one unit of work costs: `{total: spent, per: jobs, was: 0.42}`."""

    total: Name = Field(description="Signal whose values add up to what was spent.")
    per: Name = Field(description="Signal whose values add up to the work that was done.")
    was: float | None = Field(default=None, gt=0, description="What one unit cost before; savings are against it.")
