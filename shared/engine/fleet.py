"""The fleet's word on every automatic rollback: whether it is paused, and a budget that all workloads share.

A claim on the budget is a compare-and-set on one record of the fleet's own partition, made before the rollback's start
is committed in the workload's. One that came to nothing (a lost race, a worker that died, a commit that fails) stands,
and the next attempt of its workload takes it over: a workload holds one claim for nothing at most, which errs on the
safe side. Whether a claim was used is told by the workload's own starts, which are part of the commit of each start.
Nothing here is asked as long as no rollback is due.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.clock import Clock
from shared.engine.records import EVENT, NOW, STARTS, decode, encode
from shared.errors import LostRace, PermanentError
from shared.model.budget import Budget
from shared.model.event import Event
from shared.model.fleet import Claims, Pause
from shared.model.quantity import say_moment
from shared.ports import Insert, Ledger, Replace, Row

FLEET = "~fleet"
PAUSE = "now:1:pause"
_TRIES = 5
_MOST_EVENTS = 50


@dataclass(frozen=True, slots=True)
class Fleet:
    """All workloads of this app."""

    ledger: Ledger
    budget: Budget
    clock: Clock

    def claim(self, workload: str, at: datetime, last_start: datetime | None) -> str | None:
        """Claim one rollback of the fleet's budget.

        Args:
            workload: Whose it is.
            at: The instant of the start that it is for.
            last_start: The last automatic start of the workload, as it was found by whoever wants another one.

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
                reason, lost = self._claim(rows.get(STARTS), workload, at, last_start)
                if not lost:
                    return reason
        except PermanentError as error:  # whoever cannot read whether it may, may not
            return f"the fleet's own record is of no use: {error}"
        return "the fleet's budget is contested; it is asked again at the next cycle"

    def _claim(
        self, row: Row | None, workload: str, at: datetime, last_start: datetime | None
    ) -> tuple[str | None, bool]:
        """Return the reason against it, and whether another claim was faster."""
        claims, made = decode(Claims, row.body) if row else Claims(), at
        if claims.unused(workload, last_start):
            # Whoever made it may yet start on it: that must count as its use, by whichever clock.
            claims, made = claims.without_last(workload), min(at, claims.made[workload])
        free_at = self.budget.free_at(claims.moments, at)
        if free_at is not None:
            until = say_moment(free_at)
            return f"the fleet's budget of {self.budget} is used up; automatic again at {until}", False
        body = encode(claims.with_one(at, workload, made, self.budget))
        try:
            self.ledger.commit(FLEET, [Replace(STARTS, body, row.version) if row else Insert(STARTS, body)])
        except LostRace:
            return None, True
        return None, False

    def view(self) -> dict[str, Any]:
        """Return how the fleet stands: its pause, its budget, what was started of late and who did what."""
        rows = {row.key: row for row in self.ledger.scan(FLEET, NOW)}
        claims = decode(Claims, rows[STARTS].body) if STARTS in rows else Claims()
        counted = [{"at": at, "workload": whose} for at, whose in claims.at if self.clock() - at < self.budget.per]
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
