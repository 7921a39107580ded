"""Previews as the engine asks for them: what going back would do to each table, what it would cost and lose.

Nothing is changed on either side; what a slot holds of written keys is read into their log. Writers go on meanwhile:
the next preview says what they did.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import timedelta

from shared.adapters.postgres.capture.keys import written_on
from shared.adapters.postgres.capture.losses import losses
from shared.adapters.postgres.capture.snapshot import Checkpoint, load_checkpoint
from shared.adapters.postgres.capture.written import lag
from shared.adapters.postgres.checkpoint.content import differing, fingerprint
from shared.adapters.postgres.checkpoint.logs import SourceLog, drain_to_the_end, logged_tables, source_log
from shared.adapters.postgres.checkpoint.runnable import unrunnable
from shared.adapters.postgres.copying.conflicts import Conflict, conflicts
from shared.adapters.postgres.preview.effects import Predicted, predict, predict_listed
from shared.adapters.postgres.preview.expected_time import expected_time
from shared.adapters.postgres.proof.buckets import Proof
from shared.adapters.postgres.server.sides import Sides, accesses, read_sides
from shared.adapters.postgres.way_back.judging import judge
from shared.adapters.postgres.way_back.unexplained import unexplained
from shared.decision.sync_sequences import positions
from shared.errors import PermanentError
from shared.model.data_preview import DataPreview, Readable, SequenceGap, TablePreview
from shared.model.policy_data import Database
from shared.model.sync import Conflicts, Finding, Severity, SyncTable


@dataclass(frozen=True, slots=True)
class PostgresPreviews:
    """Fulfils `ports.Previews`.

    Attributes:
        pool: One thread of it asks one side while the other is asked.
        token: Returns a token of the app's identity for Azure's servers.
    """

    pool: Executor
    token: Callable[[], str]

    def preview(self, name: str, database: Database, checkpoint_id: str, within: timedelta) -> DataPreview:
        source, target = accesses(database, self.token)
        with source.connected(statement=within) as here, target.connected(statement=within) as there:
            sides = read_sides(here, there, database.sync_rules)
            checkpoint = _checkpoint(sides, checkpoint_id)
            drain_to_the_end(there, checkpoint)
            return _Preview(sides, self.pool, name, database, checkpoint).all()


def _checkpoint(sides: Sides, checkpoint_id: str) -> Checkpoint:
    found = load_checkpoint(sides.target, checkpoint_id)
    if found is None:
        raise PermanentError(f"there is no checkpoint {checkpoint_id!r} on the target")
    return found


@dataclass(frozen=True, slots=True)
class _Preview:
    """One preview under way."""

    sides: Sides
    pool: Executor
    name: str
    database: Database
    checkpoint: Checkpoint

    def all(self) -> DataPreview:
        log = source_log(self.sides, self.checkpoint.id)
        standing, differing_ones = (
            logged_tables(self.sides, self.checkpoint, self.checkpoint.snapshot),
            self._differing(log),
        )
        logged = standing - differing_ones
        tables = tuple(
            self._of_table(of, log, is_logged=of.oid in logged, is_told=of.oid in standing)
            for of in self.sides.plan.tables
        )
        now = self.sides.there.read_at
        return DataPreview(
            database=self.name,
            checkpoint=self.checkpoint.id,
            taken_at=self.checkpoint.taken_at,
            at=now,
            rule=self.database.conflicts,
            unexplained_rule=self.database.unexplained,
            tables=tables,
            sequences=tuple(_sequences(self.sides)),
            findings=(
                *self.sides.plan.findings,
                *self._findings(log),
                *unrunnable(self.sides.source, self.database),
            ),
            losses=tuple(losses(self.sides, logged, self.checkpoint.snapshot)),
            lag=lag(self.sides.target, self.checkpoint, now) if any(map(_changes, tables)) else None,
            takes=expected_time(self.sides, self.checkpoint, tables),
            readable=_readable(self.sides, self.database),
        )

    def _differing(self, log: SourceLog) -> set[int]:
        """What was not the same at the checkpoint goes back as well, although no log says it."""
        names = set(differing(log.checkpoint, self.checkpoint)) if log.checkpoint else set()
        return {of.oid for of in self.sides.plan.tables if str(of.name) in names}

    def _of_table(self, of: SyncTable, log: SourceLog, *, is_logged: bool, is_told: bool) -> TablePreview:
        """Look at one table.

        Args:
            is_logged: Its log says all that would be done.
            is_told: Its log says all that was written; the two sides may have differed before.
        """
        sides, rule = (self.sides.source, self.sides.target), self.database.conflicts
        different = () if is_logged else self._different(of)
        odd = set(unexplained(self.sides, of, self.checkpoint, different)) if is_told and of.key else set()
        if self.database.unexplained is not Conflicts.TARGET_WINS:
            different = [key for key in different if key not in odd]
        changed = self._changed_on_source(of, log)
        both = conflicts(*sides, of, changed)
        if not is_logged or not of.key:
            kept = {one.key for one in both} if rule is Conflicts.SOURCE_WINS else set()
            predicted = predict_listed(*sides, of, [key for key in different if key not in kept])
        else:
            predicted = predict(*sides, of, self.sides.by, self.checkpoint.snapshot, also=changed)
            predicted = _without(predicted, both) if rule is Conflicts.SOURCE_WINS else predicted
        return TablePreview(
            table=str(of.name),
            keys=predicted.keys,
            inserts=predicted.inserts,
            updates=predicted.updates,
            deletes=predicted.deletes,
            conflicts=len(both),
            unexplained=len(odd),
            compared=not is_logged,
        )

    def _changed_on_source(self, of: SyncTable, log: SourceLog) -> Collection[bytes]:
        if str(of.name) in log.unseen:
            return ()
        if of.source_oid in log.emptied:
            return self._different(of)
        return written_on(self.sides.source, of, of.source_oid, log.snapshot)

    def _different(self, of: SyncTable) -> Collection[bytes]:
        return Proof(self.sides.source, self.sides.target, self.sides.by, self.pool).compare(of).different

    def _findings(self, log: SourceLog) -> Iterator[Finding]:
        for name, why in log.unseen.items():
            yield _noted(name, f"nobody knows whether its rows were changed on the source as well: {why}")
        then = self.checkpoint.content["tables"]
        for of in self.sides.plan.tables:
            name = str(of.name)
            if name not in then:
                yield _noted(name, "it was not there, or not taken, at the checkpoint")
            elif then[name]["definition"] != fingerprint(self.sides.there.tables[of.name]):
                yield _noted(name, "its definition on the target has changed since the checkpoint")


def _changes(one: TablePreview) -> int:
    return one.inserts + one.updates + one.deletes


def _without(predicted: Predicted, kept: Iterable[Conflict]) -> Predicted:
    """Rows that stay as they are on the source would each have been changed in one way."""
    ways = Counter("inserts" if one.source is None else "deletes" if one.target is None else "updates" for one in kept)
    return replace(predicted, **{way: getattr(predicted, way) - count for way, count in ways.items()})


def _sequences(sides: Sides) -> Iterator[SequenceGap]:
    here = sides.here.sequences
    for name, last in positions(here, sides.there.sequences).items():
        yield SequenceGap(sequence=str(name), source=here[name].last, target=last)


def _readable(sides: Sides, database: Database) -> Readable | None:
    """The old build will use the source: it is asked there."""
    if database.readable is None:
        return None
    try:
        got = judge(sides.source, "readable", database.readable)
    except PermanentError as error:
        return Readable(ok=False, says=f"the old build may not be able to read the source as it is now: {error}")
    return Readable(ok=True, says=f"the old build can read the source as it is now: {got}")


def _noted(about: str, what: str) -> Finding:
    return Finding(severity=Severity.NOTED, about=about, what=what)
