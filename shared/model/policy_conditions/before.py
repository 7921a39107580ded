"""What is common to triggers that look at what was usual before."""

from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

from shared.model.conditions.before import LEAST_BASELINE, Before
from shared.model.policy_conditions.entry import EntryBase, Signals
from shared.model.quantity import Dimension, Duration, parse_quantity, say_duration

_HOUR = timedelta(hours=1)
# Where samples are rare: so many of them, when nothing is said.
_USUAL_BASELINE, _USUAL_WITHIN = 15, 12
# What matters of a latency or a number, of a share, and of two that run side by side, when nothing is said.
BY, POINTS, BESIDE = 0.20, 0.003, 0.10


def _part_of_it(value: object) -> float:
    """Read `20%`, or a number; more than all of it may be meant."""
    text = value if isinstance(value, str) else str(value) if type(value) in (int, float) else ""
    part = round(parse_quantity(text, Dimension.SHARE), 12)
    if part <= 0:
        raise ValueError(f"{value!r} is nothing; expected a part such as 20%")
    return part


PartOfIt = Annotated[
    float,
    BeforeValidator(_part_of_it),
    WithJsonSchema({"type": ["string", "number"], "examples": ["20%", 0.2]}),
]


class BeforeEntry(EntryBase):
    """A trigger that holds a stretch of time against what was before."""

    baseline: Duration | None = Field(
        default=None,
        description="What lies so far before a change is usual; an hour, or 15 samples if that is more.",
    )
    within: Duration | None = Field(
        default=None, description="How long a change is held against it; an hour, or 12 samples if that is more."
    )

    def before(self, signals: Signals) -> Before:
        """Return the two times; the slowest signal sets the pace.

        Raises:
            ValueError: too few samples would lie in one of them.
        """
        pace = max(signals[name].every for name in self.inputs)
        baseline = self.baseline or max(_HOUR, _USUAL_BASELINE * pace)
        within = self.within or max(_HOUR, _USUAL_WITHIN * pace)
        if baseline < LEAST_BASELINE * pace:
            least = say_duration(LEAST_BASELINE * pace)
            raise ValueError(f"a baseline of {say_duration(baseline)} holds too few samples; expected {least} or more")
        if within < 2 * pace:
            raise ValueError(f"too short to see two samples; expected `within: {say_duration(2 * pace)}` or more")
        return Before(baseline=baseline, within=within)
