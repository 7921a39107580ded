"""Whether rows of a database could be taken back now, for readiness: from its checkpoint and what was foreseen of it.

Without a change in progress there is nothing to take back; then it is looked at whether a checkpoint could be taken.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.clock import Clock
from shared.decision.data_limits import preview_every
from shared.engine.records import CHANGE, CHECKPOINTS, decode
from shared.engine.steps.data import ENDS_EARLY
from shared.model.change import Change
from shared.model.checkpoint import Checkpoints, CheckpointStatus, DatabaseCheckpoint
from shared.model.policy import Policy
from shared.model.policy_data import Database
from shared.model.policy_roads import DataSyncRoad
from shared.model.quantity import say_span
from shared.model.readiness_facts import RoadSeen
from shared.model.sync import Severity
from shared.ports import Checkpointing, Ledger

# A preview is taken with the checks of every minute: one that is this late was not, three times.
_LATE = timedelta(minutes=3)
# Of the change and of the checkpoints: one scan reads both.
_PREFIX = "now:1:ch"


@dataclass(frozen=True, slots=True)
class RowsReadiness:
    """Looks at a road that takes rows back; changes nothing."""

    ledger: Ledger
    checkpointing: Checkpointing
    clock: Clock

    def __call__(self, policy: Policy, road: DataSyncRoad) -> RoadSeen:
        """Return how the road stands. Raises what the storage and the databases raise."""
        name, database = road.data_sync, policy.databases[road.data_sync]
        rows = {row.key: row for row in self.ledger.scan(policy.workload, _PREFIX)}
        kept = decode(Checkpoints, rows[CHECKPOINTS].body) if CHECKPOINTS in rows else Checkpoints()
        change = decode(Change, rows[CHANGE].body) if CHANGE in rows else None
        found = kept.by_database.get(name)
        if found is None or found.status is CheckpointStatus.ENDED or not (change and change.in_progress):
            return _seen(self._preflight(database))
        return _seen(_why_not(policy, road, found, self.clock()))

    def _preflight(self, database: Database) -> str | None:
        findings = self.checkpointing.preflight(database)
        return "; ".join(str(one) for one in findings if one.severity is Severity.BLOCKS) or None


def _seen(why_not: str | None) -> RoadSeen:
    return RoadSeen(established=False, busy=False, why_not=why_not)


def _why_not(policy: Policy, road: DataSyncRoad, found: DatabaseCheckpoint, now: datetime) -> str | None:
    if found.status is not CheckpointStatus.TAKEN:
        return found.sentence
    ahead, limit = found.foreseen, policy.databases[road.data_sync].loss
    if ahead is None:
        return f"{found.sentence}; nobody has looked yet what going back would do"
    if now > ahead.at + preview_every(ahead.cost) + _LATE:
        return f"what going back would do was last looked at {say_span(now - ahead.at)} ago"
    if ahead.why_not is not None:
        return ahead.why_not
    if ahead.lost > limit.rows and limit.above == "refuse":
        return f"the policy lets {limit.rows:,} rows stay behind: {ahead.says}"
    if ahead.takes + ENDS_EARLY > road.give_up_after:
        patience = say_span(road.give_up_after - ENDS_EARLY)
        return f"it would take {say_span(ahead.takes)}, and is given up after {patience}"
    return None
