"""How often a signal speaks, as far as a condition must know it."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """The rhythm of a signal.

    Attributes:
        every: How often it is sampled.
        patience: Silence after which it is stale.
    """

    every: timedelta
    patience: timedelta
