"""Signals held against what they used to be before the change."""

from dataclasses import dataclass
from datetime import timedelta

from shared.model.conditions.before import Before
from shared.model.conditions.pace import Pace
from shared.model.quantity import Dimension


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One of the signals that are judged.

    Attributes:
        falls: Less of it is worse; else more.
    """

    signal: str
    dimension: Dimension
    falls: bool
    pace: Pace


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Any of some signals is worse than it used to be, by too much to be chance and by enough to matter.

    Attributes:
        level: The chance of a false alarm that may be spent on one change, all looks at all signals together.
        by: What matters of a latency or a number: this share of what is usual.
        points: What matters of a share: this much more of all.
    """

    parts: tuple[Part, ...]
    before: Before
    level: float
    by: float
    points: float

    @property
    def inputs(self) -> tuple[str, ...]:
        return tuple(part.signal for part in self.parts)

    @property
    def looks_back(self) -> timedelta:
        return self.before.looks_back
