"""An event that a workload pushes: something happened, so and so often, perhaps of a severity and a category."""

from dataclasses import dataclass
from datetime import datetime

from shared.model.policy_outside_signals import EventSignal
from shared.model.signal import Outcome, Sample

_LONGEST_NOTE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class PushedEvent:
    """One event.

    Attributes:
        name: Under which it is pushed, such as `migration.completed`.
        id: The sender's own: the same event again changes nothing.
        times: How often it happened, where the sender counts itself.
        text: For people.
    """

    name: str
    at: datetime
    id: str
    times: int = 1
    severity: str = ""
    category: str = ""
    text: str = ""

    def is_for(self, signal: EventSignal) -> bool:
        """Tell whether a signal counts it."""
        fits_severity = signal.severity in (None, self.severity)
        return self.name == signal.event and fits_severity and signal.category in (None, self.category)

    @property
    def sample(self) -> Sample:
        """It as a sample: its value is how often it happened, and it stands on one report."""
        about = " ".join(part for part in (self.severity, self.category) if part)
        note = ": ".join(part for part in (about, self.text) if part)
        return Sample(self.at, Outcome.MEASURED, float(self.times), 1, self.id, note[:_LONGEST_NOTE])
