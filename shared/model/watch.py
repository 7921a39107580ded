"""What the watch remembers of a workload from one cycle to the next: one record, saved with its version."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from shared.model.attribution import Jump
from shared.model.decision import Action
from shared.model.signal import Series
from shared.model.trigger import TriggerReading, Verdict

_LATELY = timedelta(seconds=30)
NEVER = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class Arrivals:
    """How late a source's samples came.

    Attributes:
        asked_at: When it was last asked and answered.
        late_s: By how many seconds at least, of the last answers that brought something new; newest last.
    """

    asked_at: datetime | None = None
    late_s: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchState:
    """The watch record of one workload.

    Attributes:
        series: Recent samples by signal name, in event-time order.
        collected_at: When each signal was last asked for.
        arrivals: What was learned of each source's delay.
        readings: The triggers as of the last cycle.
        blind_since: Since when the verdict has been blind without a break.
        blind_told: People were paged about this blindness.
        cycled_at: When it was last evaluated.
        watching_since: Since when it has been evaluated without a break and with all that was sent; `None` before that
            was kept.
        watched_at: When it was last evaluated with what the sources had just been asked for.
        change_seen: Id of the change in progress; empty when none is.
        bad_before: The triggers that fired when that change began and have not been well since.
        suspected: How those stand who else could be to blame, in the order of the policy.
        jumps: The traffic that had jumped when what now violates began, by trigger.
        production_build: The build that production served when last seen from outside.
    """

    series: dict[str, Series] = field(default_factory=dict)
    collected_at: dict[str, datetime] = field(default_factory=dict)
    arrivals: dict[str, Arrivals] = field(default_factory=dict)
    readings: tuple[TriggerReading, ...] = ()
    verdict: Verdict = Verdict.BLIND
    action: Action = Action.CONTINUE
    limitation: str | None = None
    sentence: str = "blind: not watched yet"
    since: datetime = NEVER
    cycled_at: datetime = NEVER
    watching_since: datetime | None = None
    watched_at: datetime = NEVER
    blind_since: datetime | None = None
    blind_told: bool = False
    change_seen: str = ""
    bad_before: tuple[str, ...] = ()
    suspected: tuple[TriggerReading, ...] = ()
    jumps: dict[str, Jump] = field(default_factory=dict)
    production_build: str = ""
    production_build_at: datetime = NEVER

    def build_seen_lately(self, now: datetime) -> str:
        """The build that production serves, or nothing when it was not seen lately: a dead build names nobody."""
        return self.production_build if now - self.production_build_at <= _LATELY else ""
