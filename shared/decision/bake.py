"""What a bake goes by: reasons to end it badly, reasons to hold it, and the healthy time that counts (laws 6 and 10).

Nothing that could merely not be seen ends a bake: it holds for as long as that lasts. The looks at production before
and after the last bake go by the same, and by the time for which they saw what is bad.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.decision.plans import reactions_of
from shared.decision.promotion import IN_PRODUCTION
from shared.model.change import Change, ChangeStatus
from shared.model.decision import Action
from shared.model.policy import Policy
from shared.model.quantity import say_moment, say_span
from shared.model.quarantine import Quarantine
from shared.model.run import Run, StepRecord
from shared.model.stage import Stage
from shared.model.trigger import TriggerState, Verdict
from shared.model.watch import WatchState

# Evidence of a stage: that people were told how long it has been held.
TOLD = "told_of_hold"
# Evidence of looks at production: for how long they saw what is bad, and when the last of them was taken.
BAD_S = "bad_s"
LOOKED_AT = "looked_at"
# A swap takes its time to reach everybody.
BAD_AT_MOST = timedelta(minutes=5)
# What the watch or a look said covers no more time than this: a watch that fell silent vouches for nothing.
_COVERS = timedelta(seconds=30)
# What a cycle tells of production was seen this long before it, at most: its slowest source is waited for.
_SEEN_BEFORE = timedelta(seconds=30)
_GOES_BACK = frozenset({Action.ROLL_BACK, Action.ASK})
_GIVEN_UP = frozenset({ChangeStatus.FAILED, ChangeStatus.ROLLED_BACK})


@dataclass(frozen=True, slots=True, kw_only=True)
class Baking:
    """One look at a bake.

    Attributes:
        slot_build: What the slot holds while it gets a share; `None` when nobody looked, since no share is given there.
        blind: What could not be seen or read, and why; empty when all could.
    """

    policy: Policy
    run: Run
    record: StepRecord
    now: datetime
    watch: WatchState = field(default_factory=WatchState)
    change: Change | None = None
    quarantine: Quarantine = field(default_factory=Quarantine)
    slot_build: str | None = None
    blind: str = ""

    @property
    def began(self) -> datetime:
        return self.record.started_at or self.now

    @property
    def counted_until(self) -> datetime:
        """Until when the word of the watch has been counted."""
        known = self.record.evidence.get("counted_until")
        return max(self.began, datetime.fromisoformat(known)) if known else self.began

    @property
    def healthy(self) -> timedelta:
        """For how long the watch has called it healthy since the bake began, where nothing held it."""
        before = timedelta(seconds=self.record.evidence.get("healthy_s", 0.0))
        new = self.watch.cycled_at - self.counted_until
        return before + min(new, _COVERS) if new > timedelta(0) and held(self) is None else before

    @property
    def lasted(self) -> timedelta:
        return self.now - self.began

    @property
    def unhealthy(self) -> timedelta:
        """For how long it has baked without being healthy."""
        return self.lasted - self.healthy


def ends_badly(baking: Baking) -> str | None:
    """Return why a build must go no further, or `None`."""
    return next((why for check in _CHECKS if (why := check(baking)) is not None), None)


def held(baking: Baking) -> str | None:
    """Return why the time does not count now, or `None`."""
    change, watch = baking.change, baking.watch
    if baking.blind:
        return baking.blind
    if change is not None and change.status is ChangeStatus.PAUSED:
        return f"the change is paused: {change.sentence}"
    if baking.now - watch.cycled_at > _COVERS:
        return f"nobody has watched it since {say_moment(watch.cycled_at)}"
    return None if watch.verdict is Verdict.HEALTHY else watch.sentence


def _a_trigger_fires(baking: Baking) -> str | None:
    """A trigger that would roll back or ask, in a cycle since the bake began; one whose clock runs says nothing yet."""
    serious = {name for name, reaction in reactions_of(baking.policy).items() if reaction.does in _GOES_BACK}
    if baking.watch.cycled_at <= baking.began:
        return None
    firing = (one for one in baking.watch.readings if one.state is TriggerState.FIRING and one.name in serious)
    return next((reading.sentence for reading in firing), None)


def _is_in_quarantine(baking: Baking) -> str | None:
    why = baking.quarantine.builds.get(baking.run.promoted)
    return None if why is None else f"build {baking.run.promoted} is {why}"


def _its_change_was_given_up(baking: Baking) -> str | None:
    change = baking.change
    if change is None or change.build != baking.run.promoted or change.status not in _GIVEN_UP:
        return None
    return change.sentence or f"{change} is {change.status}"


def _another_change_is_in_progress(baking: Baking) -> str | None:
    change = baking.change
    if change is None or change.build == baking.run.promoted or not change.in_progress:
        return None
    return f"{change} is in progress now"


def _another_build_is_in_production(baking: Baking) -> str | None:
    stage = baking.run.stage(baking.record)
    if stage.at != IN_PRODUCTION and stage.kind is not Stage.CONFIRM:
        return None
    seen = baking.watch.build_seen_lately(baking.now)
    if seen in ("", baking.run.promoted) or baking.watch.production_build_at <= baking.began + _SEEN_BEFORE:
        return None
    return f"production serves build {seen}, not {baking.run.promoted}"


def _another_build_is_in_the_slot(baking: Baking) -> str | None:
    if baking.slot_build is None or baking.slot_build == baking.run.promoted:
        return None
    holds = baking.slot_build or "a build without a name"
    return f"slot {baking.run.slot} holds {holds}, not build {baking.run.promoted}"


_CHECKS = (
    _a_trigger_fires,
    _is_in_quarantine,
    _its_change_was_given_up,
    _another_change_is_in_progress,
    _another_build_is_in_production,
    _another_build_is_in_the_slot,
)


def told_of_hold(baking: Baking, why: str, waited: timedelta, hold_at_most: timedelta) -> str:
    """Return what people are told once of a stage that has been held for too long; nothing while it has not."""
    if baking.record.evidence.get(TOLD) or waited < hold_at_most:
        return ""
    what = f"promotion of build {baking.run.promoted} is held in {baking.record.name}: {why}"
    lasts = f"it has not been healthy for {say_span(waited)}, and goes on when it is"
    return f"{what}; {lasts}; cancel it or roll back otherwise"


def bad_for(record: StepRecord, now: datetime, *, bad: bool) -> timedelta:
    """Return for how long the looks of a stage have seen what is bad, with the one that was taken now."""
    before, known = timedelta(seconds=record.evidence.get(BAD_S, 0.0)), record.evidence.get(LOOKED_AT)
    since = datetime.fromisoformat(known) if known else record.started_at or now
    return before + min(now - since, _COVERS) if bad else before
