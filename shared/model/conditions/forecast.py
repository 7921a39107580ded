"""When a signal will reach its limit, if it goes on as it did."""

from dataclasses import dataclass
from datetime import timedelta

from shared.model.quantity import Dimension
from shared.model.trigger import Comparator

# The trend is taken from the means of so many pieces of `fit`.
PIECES = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """A signal will be beyond a limit within some time, if it goes on as it did, or is so already.

    Attributes:
        within: How far ahead it is looked.
        fit: How far back the trend is taken from.
    """

    signal: str
    dimension: Dimension
    comparator: Comparator
    threshold: float
    within: timedelta
    fit: timedelta

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.signal,)

    @property
    def looks_back(self) -> timedelta:
        # The trend is taken from whole pieces: up to one more of them lies before it.
        return (PIECES + 1) * self.width

    @property
    def width(self) -> timedelta:
        """Length of one piece."""
        return self.fit / PIECES
