"""A workload as a command to its change finds it: its rows, read as far as they are needed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from shared.decision.control import Standing
from shared.decision.decide import HOLDING
from shared.decision.plans import reactions_of
from shared.engine.change_writes import telling
from shared.engine.records import ACTIVE, CHANGE, CHECKPOINTS, NOW_ONE, WATCH, Active, decode, encode
from shared.errors import PermanentError, Refused
from shared.model.change import Change
from shared.model.checkpoint import Checkpoints
from shared.model.policy import Policy
from shared.model.trigger import TriggerState
from shared.model.watch import WatchState
from shared.ports import Insert, Ledger, Replace, Row, Write


@dataclass(frozen=True, slots=True)
class Found:
    """What there is of a workload, by key."""

    policy: Policy
    rows: Mapping[str, Row]
    now: datetime

    def read[T](self, kind: type[T], key: str) -> T | None:
        row = self.rows.get(key)
        return decode(kind, row.body) if row else None

    def save(self, key: str, record: object) -> Write:
        """Return the write of a record that must still be as it was found, or must still not be there."""
        row = self.rows.get(key)
        return Replace(key, encode(record), row.version) if row else Insert(key, encode(record))

    @property
    def change(self) -> Change | None:
        return self.read(Change, CHANGE)

    @property
    def rolling_back(self) -> str | None:
        """The rollback that is under way; a promotion or a drill is none."""
        active = self.read(Active, ACTIVE)
        return active.id if active and active.rank else None

    def refuse_known_good(self, build: str) -> None:
        """A run goes back or forward by the build that is recorded; what it found stays until it has ended.

        Raises:
            Refused: a run is under way.
        """
        active = self.read(Active, ACTIVE)
        if active is not None:
            what = f"run {active.id} is under way, which goes by the one that is recorded"
            raise Refused(f"build {build} does not become the known good now: {what}; record it when that has ended")

    def standing(self, change: Change | None) -> Standing:
        return Standing(
            policy=self.policy,
            change=change,
            rolling_back=self.rolling_back,
            state=self.read(WatchState, WATCH) or WatchState(),
            now=self.now,
            checkpoints=self._checkpoints,
        )

    @property
    def _checkpoints(self) -> Checkpoints:
        """None where nobody can read them: that must not keep a command from being obeyed."""
        try:
            return self.read(Checkpoints, CHECKPOINTS) or Checkpoints()
        except PermanentError:
            return Checkpoints()

    def holding(self) -> tuple[str, ...]:
        """Return the triggers that fire and hold a change up, as of the last cycle."""
        reactions, state = reactions_of(self.policy), self.read(WatchState, WATCH) or WatchState()
        firing = [reading.name for reading in state.readings if reading.state is TriggerState.FIRING]
        return tuple(name for name in firing if name in reactions and reactions[name].does in HOLDING)

    def change_writes(self, change: Change) -> tuple[Change, list[Write]]:
        """Return the change with what its hook must be told now, and the writes of both."""
        deliveries: list[Write] = []
        if self.policy.control.hook is not None:
            change, deliveries = telling(self.standing(change), change)
        return change, [self.save(CHANGE, change), *deliveries]


def find(ledger: Ledger, policy: Policy, now: datetime) -> Found:
    """Read a workload.

    Raises:
        TransientError: the storage does not answer.
    """
    return Found(policy, {row.key: row for row in ledger.scan(policy.workload, NOW_ONE)}, now)
