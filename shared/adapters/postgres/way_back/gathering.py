"""Which keys go back: what the logs say was written, all that differs where a log does not say it, and conflicts.

The first round pins by the log in the database itself, however much that is. A later one, after writers had been let in
again, lists what was written meanwhile. Rows that were changed on the source, too, are decided before anything is
copied.
"""

from collections.abc import Collection
from concurrent.futures import Executor
from dataclasses import dataclass
from math import inf
from time import monotonic

from psycopg.sql import SQL

from shared.adapters.postgres.capture.keys import written_on
from shared.adapters.postgres.capture.pinning import pin_listed, pin_more, pin_written, pinned, unpin
from shared.adapters.postgres.capture.snapshot import Checkpoint
from shared.adapters.postgres.checkpoint.logs import SourceLog, logged_tables, source_log
from shared.adapters.postgres.copying.clashes import clashes
from shared.adapters.postgres.copying.conflicts import Conflict, conflicts, keep_conflicts
from shared.adapters.postgres.proof.buckets import Kept, Proof
from shared.adapters.postgres.server.sides import Sides
from shared.adapters.postgres.server.sql import ours
from shared.errors import PermanentError
from shared.model.sync import Conflicts, SyncRules, SyncTable


@dataclass(frozen=True, slots=True)
class Gathering:
    """One round of keys of one sync.

    Attributes:
        label: Names what is compared: as long as it is the same, nothing was copied, and nobody wrote.
        since: Snapshot of the target; what it does not see is pinned.
    """

    sync: str
    sides: Sides
    rules: SyncRules
    pool: Executor
    checkpoint: Checkpoint
    round: int
    label: str
    since: str

    def pin(self, until: float) -> bool:
        """Pin table by table; return whether all are."""
        self._make_room()
        logged = logged_tables(self.sides, self.checkpoint, self.since)
        if not self._compared(logged, until):
            return False
        found, _ = self._changed_on_source() if self.round > 1 else ({}, {})
        for of in self.sides.plan.tables:
            if pinned(self.sides.target, self.sync, of.oid, self.round) is not None:
                continue
            if self.round == 1:
                self._pin_first(of, is_logged=of.oid in logged)
            else:
                self._pin_again(of, is_logged=of.oid in logged, found=found.get(of, []))
            if monotonic() > until:
                return False
        return True

    def _compared(self, logged: Collection[int], until: float) -> bool:
        """Compare the tables of which some log does not say which rows were written; return whether all are.

        What is found is kept, and taken from there by what follows.
        """
        emptied = source_log(self.sides, self.checkpoint.id).emptied
        wanted = [of for of in self.sides.plan.tables if of.oid not in logged or of.source_oid in emptied]
        return all(self._proof.go_on(of, until, self._kept) is not None for of in wanted)

    def decide_conflicts(self) -> dict[str, str]:
        """Rows that were changed on the source go back over these, or stay as they are, or nothing goes on.

        Returns:
            The tables of which nobody knows, and why.

        Raises:
            PermanentError: there are such rows, or may be, and the policy stops for them.
        """
        found, unseen = self._changed_on_source()
        if self.rules.conflicts is Conflicts.STOP:
            _stop_for(found, unseen)
        if self.rules.conflicts is Conflicts.SOURCE_WINS:
            self._stop_for_clashes(found)
        for of, rows in found.items():
            keep_conflicts(self.sides.source, self.sync, of, rows, self.rules.conflicts)
            keys = [one.key for one in rows]
            if self.rules.conflicts is Conflicts.SOURCE_WINS:
                unpin(self.sides.target, of, keys)
            elif self.round == 1:
                pin_more(self.sides.target, self.sync, of, keys, self.rules.chunk)
        return unseen

    def _stop_for_clashes(self, found: dict[SyncTable, list[Conflict]]) -> None:
        sides = self.sides.source, self.sides.target
        said = [one for of, rows in found.items() for one in clashes(*sides, of, [row.key for row in rows])]
        if said:
            raise PermanentError("; ".join(said))

    def _make_room(self) -> None:
        """A table's list is that of one sync: what another one had pinned counts no more."""
        self.sides.target.execute(SQL("DELETE FROM {} WHERE sync <> %s").format(ours("pin")), [self.sync])

    def _pin_first(self, of: SyncTable, *, is_logged: bool) -> None:
        if is_logged:
            pin_written(self.sides.target, self.sync, of, self.since, self.rules.chunk)
        else:
            pin_listed(self.sides.target, self.sync, of, 1, self._different(of), self.rules.chunk)

    def _pin_again(self, of: SyncTable, *, is_logged: bool, found: Collection[Conflict]) -> None:
        if pinned(self.sides.target, self.sync, of.oid, 1) is None:
            pin_listed(self.sides.target, self.sync, of, 1, (), self.rules.chunk)
        keys = written_on(self.sides.target, of, of.oid, self.since) if is_logged else self._different(of)
        also = [one.key for one in found]
        pin_listed(self.sides.target, self.sync, of, self.round, dict.fromkeys([*keys, *also]), self.rules.chunk)

    def _changed_on_source(self) -> tuple[dict[SyncTable, list[Conflict]], dict[str, str]]:
        log = source_log(self.sides, self.checkpoint.id)
        seen = [of for of in self.sides.plan.tables if str(of.name) not in log.unseen]
        sides = self.sides.source, self.sides.target
        return {of: conflicts(*sides, of, self._changed_keys(of, log)) for of in seen}, log.unseen

    def _changed_keys(self, of: SyncTable, log: SourceLog) -> Collection[bytes]:
        if of.source_oid in log.emptied:  # which rows went is not in the log: all that differ were changed
            return self._different(of)
        return written_on(self.sides.source, of, of.source_oid, log.snapshot)

    def _different(self, of: SyncTable) -> Collection[bytes]:
        compared = self._proof.go_on(of, inf, self._kept)
        return compared.different if compared else ()

    @property
    def _proof(self) -> Proof:
        return Proof(self.sides.source, self.sides.target, self.sides.by, self.pool)

    @property
    def _kept(self) -> Kept:
        return Kept(self.sides.source, self.sync, self.label)


def _stop_for(found: dict[SyncTable, list[Conflict]], unseen: dict[str, str]) -> None:
    several = [f"{len(rows)} of {of.name}" for of, rows in found.items() if rows]
    if several:
        raise PermanentError(f"rows were changed on the source as well: {', '.join(several)}")
    if unseen:
        said = "; ".join(f"{name}: {why}" for name, why in unseen.items())
        raise PermanentError(f"nobody knows whether rows were changed on the source as well: {said}")
