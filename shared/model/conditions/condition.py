"""What the frame of all triggers knows of a condition."""

from datetime import timedelta
from typing import Protocol


class Condition(Protocol):
    """A condition of some kind. What it makes of samples stands in `decision/conditions`."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """The signals that it looks at, the one that it speaks of first."""
        ...

    @property
    def looks_back(self) -> timedelta:
        """Event time before a point that the judgement of that point needs."""
        ...
