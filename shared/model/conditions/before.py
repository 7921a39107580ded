"""What was usual before, and for how long it stays what is compared with."""

from dataclasses import dataclass
from datetime import timedelta

# With fewer samples it is not known what is usual.
LEAST_BASELINE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """The time that is judged, and the time before it that says what is usual.

    Time is judged in stretches. The first of a change begins when the change does; each is followed by the next.
    Without a change in progress they are counted from 1970, as the intervals of Azure are.

    Attributes:
        baseline: What lies so far before a stretch is usual.
        within: Length of a stretch.
    """

    baseline: timedelta
    within: timedelta

    @property
    def looks_back(self) -> timedelta:
        return self.baseline + self.within
