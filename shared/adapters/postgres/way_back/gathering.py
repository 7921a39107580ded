"""Which keys go back: what the logs say was written, and all that differs where a log does not say it.

What the logs say is pinned in the database itself, however much that is: since the checkpoint, or, where people wrote
after a first round was pinned, since then.
"""

from collections.abc import Collection
from concurrent.futures import Executor
from dataclasses import dataclass
from math import inf
from time import monotonic

from shared.adapters.postgres.capture.pinning import pin_listed, pin_written, pinned_of
from shared.adapters.postgres.capture.snapshot import Checkpoint
from shared.adapters.postgres.checkpoint.logs import SourceLog, logged_tables, source_log
from shared.adapters.postgres.proof.buckets import Compared, Kept, Proof
from shared.adapters.postgres.server.side_by_side import together
from shared.adapters.postgres.server.sides import Sides
from shared.model.sync import SyncRules, SyncTable


@dataclass(frozen=True, slots=True)
class Round:
    """One round of keys of one sync.

    Attributes:
        label: Names what is compared: as long as it is the same, nothing was copied, and nobody wrote.
    """

    sync: str
    sides: Sides
    rules: SyncRules
    pool: Executor
    checkpoint: Checkpoint
    number: int
    label: str

    def compare(self, of: SyncTable, until: float) -> Compared | None:
        """Go on with the comparison of a table; what is found is kept."""
        proof = Proof(self.sides.source, self.sides.target, self.sides.by, self.pool)
        return proof.go_on(of, until, Kept(self.sides.source, self.sync, self.label))

    def different(self, of: SyncTable) -> Collection[bytes]:
        """Return the keys of all rows that differ."""
        compared = self.compare(of, inf)
        return compared.different if compared else ()


@dataclass(frozen=True, slots=True)
class Gathering:
    """The keys of one round.

    Attributes:
        since: Snapshot of the target; what it does not see is pinned.
    """

    round: Round
    since: str

    def pin(self, until: float) -> bool:
        """Pin table by table; return whether all are."""
        sides, sync = self.round.sides, self.round.sync
        done = pinned_of(sides.target, sync, self.round.number)
        log, logged = together(self.round.pool, self._source_log, self._logged_tables)
        if not self._compared(logged, log, until):
            return False
        first = pinned_of(sides.target, sync, 1)
        for of in sides.plan.tables:
            if of.oid in done:
                continue
            if self.round.number > 1 and of.oid not in first:
                pin_listed(sides.target, sync, of, 1, (), self.round.rules.chunk)
            self._pin(of, is_logged=of.oid in logged)
            if monotonic() > until:
                return False
        return True

    def _source_log(self) -> SourceLog:
        return source_log(self.round.sides, self.round.checkpoint.id)

    def _logged_tables(self) -> set[int]:
        return logged_tables(self.round.sides, self.round.checkpoint, self.since)

    def _compared(self, logged: Collection[int], log: SourceLog, until: float) -> bool:
        """Compare the tables of which some log does not say which rows were written; return whether all are.

        What is found is kept, and taken from there by what follows.
        """
        tables = self.round.sides.plan.tables
        wanted = [of for of in tables if of.oid not in logged or of.source_oid in log.emptied]
        return all(self.round.compare(of, until) is not None for of in wanted)

    def _pin(self, of: SyncTable, *, is_logged: bool) -> None:
        target, sync, chunk, number = (
            self.round.sides.target,
            self.round.sync,
            self.round.rules.chunk,
            self.round.number,
        )
        if is_logged:
            pin_written(target, sync, of, self.since, chunk, number)
        else:
            pin_listed(target, sync, of, number, self.round.different(of), chunk)
