"""The fleet's word on every automatic rollback: whether it is paused, and a budget that all workloads share.

A claim on the budget is a compare-and-set on one record of the fleet's own partition, made before the rollback's start
is committed in the workload's. A worker that dies in between has used up a claim for nothing: that errs on the safe
side. Nothing here is asked as long as no rollback is due.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from shared.clock import Clock
from shared.engine.records import EVENT, NOW, STARTS, decode, encode
from shared.errors import LostRace, PermanentError
from shared.model.budget import Budget
from shared.model.event import Event
from shared.model.fleet import Pause, Starts
from shared.model.quantity import say_moment
from shared.ports import Insert, Ledger, Replace, Row

FLEET = "~fleet"
PAUSE = "now:1:pause"
_TRIES = 5
_MOST_EVENTS = 50
# A claim whose start lost a race is used by the next attempt.
_CLAIM_STANDS = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Fleet:
    """All workloads of this app."""

    ledger: Ledger
    budget: Budget
    clock: Clock

    def claim(self, workload: str) -> str | None:
        """Claim one rollback of the fleet's budget.

        Returns:
            Why there is none to be had, or `None`: the rollback may start.

        Raises:
            TransientError: the storage does not answer.
        """
        try:
            for _ in range(_TRIES):
                rows = {row.key: row for row in self.ledger.scan(FLEET, NOW)}
                if PAUSE in rows:
                    return str(decode(Pause, rows[PAUSE].body))
                reason, lost = self._claim(rows.get(STARTS), workload)
                if not lost:
                    return reason
        except PermanentError as error:  # whoever cannot read whether it may, may not
            return f"the fleet's own record is of no use: {error}"
        return "the fleet's budget is contested; it is asked again at the next cycle"

    def _claim(self, row: Row | None, workload: str) -> tuple[str | None, bool]:
        """Return the reason against it, and whether another claim was faster."""
        now, starts = self.clock(), decode(Starts, row.body) if row else Starts()
        if any(whose == workload and now - at < _CLAIM_STANDS for at, whose in starts.at):
            return None, False
        free_at = self.budget.free_at(starts.moments, now)
        if free_at is not None:
            until = say_moment(free_at)
            return f"the fleet's budget of {self.budget} is used up; automatic again at {until}", False
        body = encode(starts.with_one(now, workload, self.budget))
        try:
            self.ledger.commit(FLEET, [Replace(STARTS, body, row.version) if row else Insert(STARTS, body)])
        except LostRace:
            return None, True
        return None, False

    def view(self) -> dict[str, Any]:
        """Return how the fleet stands: its pause, its budget, what was started of late and who did what."""
        rows = {row.key: row for row in self.ledger.scan(FLEET, NOW)}
        starts = decode(Starts, rows[STARTS].body) if STARTS in rows else Starts()
        counted = [{"at": at, "workload": whose} for at, whose in starts.at if self.clock() - at < self.budget.per]
        return {
            "paused": decode(Pause, rows[PAUSE].body) if PAUSE in rows else None,
            "budget": str(self.budget),
            "started": counted,
            "events": [decode(Event, row.body) for row in self.ledger.scan(FLEET, EVENT, limit=_MOST_EVENTS)],
        }


def paused(ledger: Ledger) -> Pause | None:
    """Return the pause that holds, if one does.

    Raises:
        TransientError: the storage does not answer.
        PermanentError: the record cannot be read.
    """
    row = ledger.read(FLEET, PAUSE)
    return decode(Pause, row.body) if row else None
