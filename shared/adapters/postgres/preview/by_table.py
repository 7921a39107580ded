"""What going back would do to one table, and what of it would stop it."""

from collections import Counter
from collections.abc import Collection, Iterable
from concurrent.futures import Executor
from dataclasses import dataclass, replace

from psycopg.sql import SQL

from shared.adapters.postgres.capture.keys import KEYS, written_on
from shared.adapters.postgres.capture.snapshot import Checkpoint
from shared.adapters.postgres.checkpoint.logs import SourceLog
from shared.adapters.postgres.copying.conflicts import Conflict, conflicts
from shared.adapters.postgres.corruption.records import damaged_lines
from shared.adapters.postgres.preview.effects import Predicted, predict, predict_listed, written_keys
from shared.adapters.postgres.preview.obstacles import Going, obstacles
from shared.adapters.postgres.preview.telling import cannot_go
from shared.adapters.postgres.proof.buckets import Proof
from shared.adapters.postgres.server.fitting import misfits_named
from shared.adapters.postgres.server.sides import Sides
from shared.adapters.postgres.way_back.unexplained import unexplained
from shared.errors import PermanentError
from shared.model.data_preview import TablePreview
from shared.model.policy_data import Database
from shared.model.sync import Conflicts, Finding, SyncTable


@dataclass(frozen=True, slots=True)
class Looked:
    """One table; without numbers where a value of it cannot even be read by the source."""

    preview: TablePreview | None
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class ByTable:
    """Looks at tables, one after the other.

    Attributes:
        told: Tables whose log says all that was written; the two sides may have differed before.
        logged: Those whose log says all that would be done.
    """

    sides: Sides
    pool: Executor
    database: Database
    checkpoint: Checkpoint
    log: SourceLog
    told: Collection[int]
    logged: Collection[int]

    def look(self, of: SyncTable) -> Looked:
        try:
            with misfits_named(self.sides.target, of):
                return self._look(of)
        except PermanentError as error:
            return Looked(None, (cannot_go(error),))

    def _look(self, of: SyncTable) -> Looked:
        is_logged = of.oid in self.logged
        different = () if is_logged else self._different(of)
        odd = self._odd(of, different) if self._is_told(of) else set[bytes]()
        copied_odd = odd if self.database.unexplained is Conflicts.TARGET_WINS else set()
        changed = self._changed_on_source(of)
        both = conflicts(self.sides.source, self.sides.target, of, changed)
        kept = {one.key for one in both} if self.database.conflicts is Conflicts.SOURCE_WINS else set()
        if is_logged and of.key:
            predicted = self._of_log(of, [*changed, *copied_odd], [one for one in both if one.key in kept])
        else:
            stay = kept | (odd - copied_odd)
            going = [key for key in different if key not in stay]
            predicted = predict_listed(self.sides.source, self.sides.target, of, going)
        preview = TablePreview(
            table=str(of.name),
            keys=predicted.keys,
            inserts=predicted.inserts,
            updates=predicted.updates,
            deletes=predicted.deletes,
            conflicts=len(both),
            unexplained=len(odd),
            compared=not is_logged,
        )
        return Looked(preview, tuple(obstacles(self.sides, self._first(of, changed, different, kept))))

    def _of_log(self, of: SyncTable, also: Iterable[bytes], kept: Iterable[Conflict]) -> Predicted:
        sides = self.sides
        return _without(predict(sides.source, sides.target, of, sides.by, self.checkpoint.snapshot, also=also), kept)

    def _first(
        self, of: SyncTable, changed: Collection[bytes], different: Collection[bytes], kept: Collection[bytes]
    ) -> Going:
        """Return what is copied first: where a log tells all, nobody knows by then of rows that nobody wrote."""
        follow = self.database.unexplained is Conflicts.TARGET_WINS
        if of.oid in self.told and of.key:
            return Going(of, written_keys(of, self.checkpoint.snapshot), changed, kept, follow)
        return Going(of, SQL("SELECT * FROM {}").format(KEYS), [key for key in different if key not in kept], kept)

    def _is_told(self, of: SyncTable) -> bool:
        return of.oid in self.told and bool(of.key) and str(of.name) not in self.log.unseen

    def _odd(self, of: SyncTable, different: Collection[bytes]) -> set[bytes]:
        """Return the keys of rows that differ and that nobody wrote; where a log says all, as far as that was found.

        To find the others, all rows would have to be compared: the proof does that.
        """
        if of.oid not in self.logged:
            return set(unexplained(self.sides, of, self.checkpoint, different))
        known = damaged_lines(self.sides.target, self.checkpoint.id, of)
        unwritten = unexplained(self.sides, of, self.checkpoint, known)
        return {one.key for one in conflicts(self.sides.source, self.sides.target, of, unwritten)}

    def _changed_on_source(self, of: SyncTable) -> Collection[bytes]:
        if str(of.name) in self.log.unseen:
            return ()
        if of.source_oid in self.log.emptied:
            return self._different(of)
        return written_on(self.sides.source, of, of.source_oid, self.log.snapshot)

    def _different(self, of: SyncTable) -> Collection[bytes]:
        return Proof(self.sides.source, self.sides.target, self.sides.by, self.pool).compare(of).different


def _without(predicted: Predicted, kept: Iterable[Conflict]) -> Predicted:
    """Rows that stay as they are on the source would each have been changed in one way."""
    ways = Counter("inserts" if one.source is None else "deletes" if one.target is None else "updates" for one in kept)
    return replace(predicted, **{way: getattr(predicted, way) - count for way, count in ways.items()})
