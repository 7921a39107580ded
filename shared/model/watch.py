"""What the watch remembers of a workload from one cycle to the next: one record, saved with its version."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from shared.model.decision import Action
from shared.model.signal import Series
from shared.model.trigger import TriggerReading, Verdict

_LATELY = timedelta(seconds=30)
NEVER = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchState:
    """The watch record of one workload.

    Attributes:
        series: Recent samples by signal name, in event-time order.
        collected_at: When each signal was last asked for.
        readings: The triggers as of the last cycle.
        blind_since: Since when the verdict has been blind without a break.
        blind_told: People were paged about this blindness.
        cycled_at: When it was last evaluated.
        watched_at: When it was last evaluated with what the sources had just been asked for.
        production_build: The build that production served when last seen from outside.
    """

    series: dict[str, Series] = field(default_factory=dict)
    collected_at: dict[str, datetime] = field(default_factory=dict)
    readings: tuple[TriggerReading, ...] = ()
    verdict: Verdict = Verdict.BLIND
    action: Action = Action.CONTINUE
    limitation: str | None = None
    sentence: str = "blind: not watched yet"
    since: datetime = NEVER
    cycled_at: datetime = NEVER
    watched_at: datetime = NEVER
    blind_since: datetime | None = None
    blind_told: bool = False
    production_build: str = ""
    production_build_at: datetime = NEVER

    def build_seen_lately(self, now: datetime) -> str:
        """The build that production serves, or nothing when it was not seen lately: a dead build names nobody."""
        return self.production_build if now - self.production_build_at <= _LATELY else ""
