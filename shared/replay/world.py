"""What a replay makes up, because no recording holds it: changes that begin and end, and rollbacks that always succeed.

A change begins and ends when the caller says so, and is held up and let go as the product does it. A rollback takes as
long as its level may, then it is verified, and the change is taken back with it; the cool-down, the budget and the
quarantine follow from it. Production serves a build that nobody names. A question to people is never answered. The
samples stay as they were recorded: what was bad goes on being bad, whatever was taken back.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.decision.cycle import Cycle, Known
from shared.decision.plans import reactions_of
from shared.decision.steering import steered
from shared.model.change import Change, ChangeStatus, KnownGood
from shared.model.decision import TRAFFIC_LEVEL, Action
from shared.model.policy import Policy
from shared.model.quarantine import Quarantine, Quarantined
from shared.model.run import BY_WATCH, LastRollback, RunStatus
from shared.model.watch import WatchState

KNOWN_GOOD = "known-good"
_SHORTEST = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """A change as somebody announced it.

    Attributes:
        until: When it was completed, unless it was taken back before.
    """

    since: datetime
    until: datetime
    build: str
    kind: str = "deployment"


@dataclass(frozen=True, slots=True)
class _Active:
    id: str
    ends_at: datetime
    bad_build: str


class World:
    """What a cycle finds besides samples, as a replay goes on."""

    def __init__(self, policy: Policy, changes: Iterable[Announced], begins: datetime) -> None:
        self._policy = policy
        self._ahead = sorted(changes, key=lambda change: change.since)
        self._until: datetime | None = None
        self.change: Change | None = None
        self._active: _Active | None = None
        self._last: LastRollback | None = None
        self._started: tuple[datetime, ...] = ()
        self._quarantine = Quarantine()
        self._good = KnownGood(build=KNOWN_GOOD, recorded_at=begins, recorded_by="replay")
        self._people = {name for name, reaction in reactions_of(policy).items() if reaction.takes_people}
        self.rollbacks = 0

    @property
    def change_started(self) -> datetime | None:
        """Of the change in progress, if there is one."""
        return self.change.started_at if self.change is not None and self.change.in_progress else None

    @property
    def restless(self) -> bool:
        """Every cycle may make something of the change: a trigger holds it up."""
        return self.change is not None and self.change.in_progress and bool(self.change.trigger)

    @property
    def turns_at(self) -> datetime | None:
        """When an announced change begins or ends next."""
        moments = [self._ahead[0].since] if self._ahead else []
        moments += [self._until] if self._until is not None and self.change_started is not None else []
        return min(moments, default=None)

    @property
    def next_at(self) -> datetime | None:
        """When something happens next that nobody decides."""
        moments = [moment for moment in (self.turns_at, self._active.ends_at if self._active else None) if moment]
        return min(moments, default=None)

    def tick(self, now: datetime) -> None:
        """Let happen what nobody decides: a rollback ends, a change ends, a change begins."""
        if self._active is not None and now >= self._active.ends_at:
            self._end_rollback(self._active, now)
        if self._until is not None and now >= self._until:
            self._complete(self._until)
        while self._ahead and now >= self._ahead[0].since:
            self._begin(self._ahead.pop(0))
            if self._until is not None and now >= self._until:
                self._complete(self._until)

    def known(self, state: WatchState) -> Known:
        """Return what a cycle starts from."""
        return Known(
            state=state,
            known_good=self._good,
            change=self.change,
            active_rollback=self._active.id if self._active else None,
            last_rollback=self._last,
            started=self._started,
            quarantine=self._quarantine,
            swaps_only=self._policy.swaps_only,
        )

    def after(self, cycle: Cycle, now: datetime) -> None:
        """Let follow what a cycle decided."""
        decision = cycle.decision
        if self.change is not None:
            self.change = steered(self._policy, self.change, decision, cycle.state.readings, now)
        if decision.action is not Action.ROLL_BACK or decision.trigger is None or decision.trigger.name in self._people:
            return
        level = self._policy.levels.by_number.get(decision.level or TRAFFIC_LEVEL)
        takes = max(level.budget, _SHORTEST) if level else _SHORTEST
        run = f"{self._policy.workload}.{now:%Y%m%dT%H%M%S%f}"
        self._active = _Active(run, now + takes, cycle.bad_build)
        self._started = (*(at for at in self._started if now - at < self._policy.guards.budget.per), now)
        self._quarantine = self._quarantine.with_build(cycle.bad_build, Quarantined(since=now, rollback_id=run))
        self.rollbacks += 1

    def _begin(self, announced: Announced) -> None:
        known_as = f"{announced.build}@{announced.since:%Y%m%dT%H%M%S}"
        self.change = Change(
            id=known_as, kind=announced.kind, build=announced.build, started_at=announced.since, by="replay"
        )
        self._until = announced.until

    def _complete(self, at: datetime) -> None:
        self._until = None
        if self.change is not None and self.change.in_progress:
            self.change = self.change.moved(ChangeStatus.COMPLETED, f"{self.change} is complete", at, by="replay")

    def _end_rollback(self, active: _Active, now: datetime) -> None:
        self._active = None
        self._last = LastRollback(id=active.id, status=RunStatus.VERIFIED, ended_at=now)
        self._quarantine = self._quarantine.all_taken_back()
        change = self.change
        if change is not None and change.in_progress and change.build == active.bad_build:
            self._until = None
            self.change = change.moved(ChangeStatus.ROLLED_BACK, f"{change} was rolled back", now, by=BY_WATCH)
